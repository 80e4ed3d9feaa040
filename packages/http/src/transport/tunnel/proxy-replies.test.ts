import assert from "node:assert/strict";
import { test } from "node:test";
import {
  defaultFault,
  provesRequestUnsent,
  type ProxyFault,
  type ProxyReason,
} from "../../errors/proxy-reason.ts";
import { connectRefusalReason, forwardedReplyReason } from "./proxy-replies.ts";

type Headers = Readonly<Record<string, string>>;

const refusals: readonly (readonly [
  status: number,
  headers: Headers,
  reason: ProxyReason,
  fault: ProxyFault,
])[] = [
  [400, {}, "refused", "proxy"],
  [401, {}, "auth", "proxy"],
  [402, {}, "payment", "proxy"],
  [403, {}, "refused", "proxy"],
  [404, {}, "refused", "proxy"],
  [405, {}, "refused", "proxy"],
  [407, {}, "auth", "proxy"],
  [408, {}, "unavailable", "unknown"],
  [429, {}, "throttled", "proxy"],
  [302, {}, "refused", "proxy"],
  [500, {}, "unavailable", "unknown"],
  [502, {}, "unavailable", "unknown"],
  [503, {}, "unavailable", "unknown"],
  [504, {}, "unavailable", "unknown"],
  [590, {}, "failed", "proxy"],
  [593, {}, "unavailable", "unknown"],
  [594, {}, "unavailable", "unknown"],
  [595, {}, "unavailable", "unknown"],
  [597, {}, "failed", "proxy"],
  [599, {}, "unavailable", "unknown"],
  [503, { "x-squid-error": "ERR_CONNECT_FAIL 111" }, "origin-refused", "origin"],
  [503, { "x-squid-error": "ERR_CONNECT_FAIL 110" }, "origin-timeout", "origin"],
  [503, { "x-squid-error": "ERR_CONNECT_FAIL 113" }, "origin-unreachable", "origin"],
  [503, { "x-squid-error": "ERR_DNS_FAIL 0" }, "origin-not-found", "origin"],
  [403, { "x-squid-error": "ERR_ACCESS_DENIED 0" }, "refused", "proxy"],
  [407, { "x-squid-error": "ERR_CACHE_ACCESS_DENIED 0" }, "auth", "proxy"],
  [500, { "x-squid-error": "ERR_NEW 0" }, "unavailable", "unknown"],
  [503, { "x-squid-error": "ERR_CONNECT_FAIL constructor" }, "origin-unreachable", "origin"],
  [503, { "x-squid-error": "ERR_CONNECT_FAIL __proto__" }, "origin-unreachable", "origin"],
  [502, { "proxy-status": "p; error=constructor" }, "unavailable", "unknown"],
  [502, { "proxy-status": "p; error=__proto__" }, "unavailable", "unknown"],
  [502, { "proxy-status": "ExampleProxy; error=connection_refused" }, "origin-refused", "origin"],
  [502, { "proxy-status": 'a; error=dns_error, b; error="proxy_internal_error"' }, "failed", "proxy"],
  [504, { "proxy-status": "a;error=connection_timeout" }, "origin-timeout", "origin"],
  [429, { "proxy-status": "a; received-status=429" }, "throttled", "proxy"],
];

for (const [status, headers, reason, fault] of refusals) {
  test(`CONNECT refused with ${status} ${JSON.stringify(headers)} means ${reason}: ${fault}`, () => {
    assert.equal(connectRefusalReason(status, headers), reason);
    assert.equal(defaultFault(reason), fault);
  });
}

const replies: readonly (readonly [what: string, status: number, headers: Headers, reason?: ProxyReason])[] =
  [
    ["a 200", 200, {}],
    ["a 200 of a page of tinyproxy", 200, { server: "tinyproxy/1.11.1" }],
    ["a 407", 407, {}, "auth"],
    ["the origin's 403", 403, { server: "nginx" }],
    ["the origin's 503, forwarded by squid", 503, { via: "1.1 host (squid/5.7)" }],
    ["a 503 of an unknown server", 503, {}],
    ["a 502 of a CDN in front of the origin", 502, { "proxy-status": "cdn; error=connection_refused" }],
    ["a 599", 599, {}],
    ["squid's refusal", 403, { "x-squid-error": "ERR_ACCESS_DENIED 0" }, "refused"],
    ["squid's unreachable origin", 503, { "x-squid-error": "ERR_CONNECT_FAIL 113" }, "origin-unreachable"],
    ["tinyproxy's wrong credentials", 401, { server: "tinyproxy/1.11.1" }, "auth"],
    ["tinyproxy's filter", 403, { server: "tinyproxy/1.11.1" }, "refused"],
    ["tinyproxy's unreachable origin", 500, { server: "tinyproxy/1.11.1" }, "unavailable"],
  ];

for (const [what, status, headers, reason] of replies) {
  test(`${what} is ${reason === undefined ? "a response of the origin" : `a proxy failure: ${reason}`}`, () => {
    assert.equal(forwardedReplyReason(status, headers), reason);
  });
}

test("a proxy's reply proves that the origin received nothing only for failures before the connection", () => {
  const unsent: readonly ProxyReason[] = [
    "auth",
    "refused",
    "throttled",
    "origin-unreachable",
    "origin-not-found",
  ];
  const unknown: readonly ProxyReason[] = ["unavailable", "failed", "origin-timeout", "origin-failed"];

  assert.ok(unsent.every(provesRequestUnsent));
  assert.ok(!unknown.some(provesRequestUnsent));
});
