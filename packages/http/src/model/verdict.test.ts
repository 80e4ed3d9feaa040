import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineExceededError, failed, RetryError } from "@holdfast/policy";
import * as fc from "fast-check";
import {
  BodyNotReplayableError,
  BodyTooLargeError,
  ConnectionError,
  ConnectTimeoutError,
  DecodeError,
  IncompleteBodyError,
  InvalidUrlError,
  type Phase,
  ProtocolError,
  ProxyError,
  ReadTimeoutError,
  TlsError,
  TooManyRedirectsError,
} from "../errors/transport-errors.ts";
import { isFinalWhenRepeated, isTransient } from "./meaning.ts";
import { errorVerdict, statusVerdict, type Verdict } from "./verdict.ts";

type Kind = Verdict["kind"];

const statuses: Readonly<Record<Kind, readonly number[]>> = {
  success: [100, 103, 200, 201, 204, 206, 226, 301, 302, 304, 308],
  transient: [408, 421, 425, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 530, 599],
  throttled: [420, 429, 509, 529],
  blocked: [403, 407, 451, 511, 999],
  rejected: [
    400, 401, 402, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 422, 423, 424, 426, 428,
  ].concat([431, 444, 498, 499, 501, 505, 506, 508, 510, 525, 526, 0, 99]),
};

for (const [kind, list] of Object.entries(statuses)) {
  test(`${list.join(", ")} are ${kind}`, () => {
    assert.deepEqual(
      list.filter((status) => statusVerdict(status).kind !== kind),
      [],
    );
  });
}

test("the reason of a status is its number, and that of any 2xx is ok", () => {
  assert.equal(statusVerdict(503).reason, "http-503");
  assert.equal(statusVerdict(304).reason, "http-304");
  assert.deepEqual(statusVerdict(206), { kind: "success", reason: "ok", advice: "" });
});

test("the advice of a status names an action for the caller", () => {
  assert.equal(
    statusVerdict(400).advice,
    "Check the parameters and the body: the server rejected their content",
  );
  assert.equal(statusVerdict(401).advice, "Check the credentials: they are missing, wrong or expired");
  assert.equal(
    statusVerdict(403).advice,
    "Use another proxy or other credentials: the server refuses this client",
  );
  assert.equal(statusVerdict(404).advice, "Check the URL: the server has no such resource");
});

test("a 403 or 413 with Retry-After is throttled", () => {
  assert.equal(statusVerdict(403, true).kind, "throttled");
  assert.equal(statusVerdict(413, true).kind, "throttled");
  assert.equal(statusVerdict(404, true).kind, "rejected");
});

test("every number has a verdict, and every verdict but success has advice", () => {
  fc.assert(
    fc.property(fc.integer(), fc.boolean(), (status, hasRetryAfter) => {
      const { kind, advice, reason } = statusVerdict(status, hasRetryAfter);
      assert.equal(advice === "", kind === "success");
      assert.notEqual(reason, "");
    }),
  );
});

function connection(errno: string, phase: Phase = "connect"): ConnectionError {
  return new ConnectionError(errno, { phase, mayHaveArrived: phase !== "connect", errno });
}

function tls(errno: string, certificate = false): TlsError {
  return new TlsError(errno, { certificate, errno });
}

const headers = { phase: "headers", mayHaveArrived: true } as const;

const errors: readonly (readonly [error: unknown, kind: Kind, reason: string])[] = [
  [new ConnectTimeoutError("a.test", 5_000), "transient", "timeout-connect"],
  [new ReadTimeoutError("a.test", 30_000, "headers"), "transient", "timeout-read"],
  [connection("ECONNREFUSED"), "transient", "refused"],
  [connection("ECONNRESET", "headers"), "transient", "reset"],
  [connection("EPIPE", "send"), "transient", "reset"],
  [connection("ENOTFOUND", "dns"), "transient", "dns-not-found"],
  [connection("EAI_AGAIN", "dns"), "transient", "dns"],
  [connection("ESOMETHING", "dns"), "transient", "dns"],
  [connection("EHOSTUNREACH"), "transient", "unreachable"],
  [connection("ETIMEDOUT"), "transient", "timeout-connect"],
  [connection("ETIMEDOUT", "body"), "transient", "timeout-read"],
  [connection("EMFILE"), "transient", "too-many-files"],
  [connection("EPERM"), "rejected", "not-permitted"],
  [connection("ESOMETHING"), "transient", "connection"],
  [tls("CERT_HAS_EXPIRED", true), "rejected", "tls-certificate"],
  [tls("ERR_SSL_WRONG_VERSION_NUMBER"), "rejected", "tls-protocol"],
  [tls("EPROTO"), "rejected", "tls-protocol"],
  [tls("ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR"), "transient", "tls"],
  [tls("ECONNRESET"), "transient", "tls"],
  [new IncompleteBodyError(10, 20), "transient", "incomplete-body"],
  [new DecodeError("gzip"), "transient", "decode"],
  [new ProtocolError("?", headers), "rejected", "protocol"],
  [new BodyTooLargeError(1), "rejected", "too-large"],
  [new ProxyError("silent"), "transient", "proxy"],
  [new ProxyError("502", { status: 502 }), "transient", "proxy"],
  [new ProxyError("408", { status: 408 }), "transient", "proxy"],
  [new ProxyError("407", { status: 407 }), "blocked", "proxy-auth"],
  [new ProxyError("403", { status: 403 }), "blocked", "proxy-refused"],
  [new ProxyError("429", { status: 429 }), "throttled", "proxy-throttled"],
  [new ProxyError("402", { status: 402 }), "blocked", "proxy-payment"],
  [new ProxyError("expired", { reason: "certificate" }), "blocked", "proxy-certificate"],
  [new ProxyError("SOCKS 2", { reason: "refused" }), "blocked", "proxy-refused"],
  [new ProxyError("SOCKS 8", { reason: "unsupported" }), "blocked", "proxy-refused"],
  [new ProxyError("SOCKS 5", { reason: "origin-refused" }), "transient", "proxy-origin"],
  [new ProxyError("503", { status: 503, reason: "origin-not-found" }), "transient", "proxy-origin"],
  [new ProxyError("reset", { reason: "cut" }), "transient", "proxy"],
  [new DeadlineExceededError(120_000), "transient", "deadline"],
  [new BodyNotReplayableError(), "rejected", "body-not-replayable"],
  [new TooManyRedirectsError(30, "http://a.test/"), "rejected", "too-many-redirects"],
  [new InvalidUrlError("ftp://a.test"), "rejected", "bad-url"],
  [new DOMException("", "AbortError"), "rejected", "aborted"],
  [new DOMException("", "TimeoutError"), "rejected", "aborted"],
  [Object.assign(new Error("too many 503 error responses"), { status: 503 }), "transient", "http-503"],
  [
    new TypeError("fetch failed", { cause: Object.assign(new Error(), { code: "ECONNREFUSED" }) }),
    "transient",
    "refused",
  ],
  [new TypeError("wrong"), "rejected", "error"],
  ["a string", "rejected", "error"],
  [undefined, "rejected", "error"],
];

for (const [error, kind, reason] of errors) {
  test(`${String(error)} is ${kind}, with the reason ${reason}`, () => {
    const verdict = errorVerdict(error);

    assert.deepEqual([verdict.kind, verdict.reason], [kind, reason]);
    assert.notEqual(verdict.advice, "");
  });
}

test("a RetryError has the verdict of its last failure", () => {
  const attempt = { number: 4, startedAt: 0, endedAt: 0, elapsed: 0, waited: 0, idleFor: 0 };
  const gaveUp = new RetryError("stop", [{ ...attempt, outcome: failed(new IncompleteBodyError(1, 2)) }]);

  assert.equal(errorVerdict(gaveUp).reason, "incomplete-body");
});

test("an error with circular causes has the reason error", () => {
  const error = new Error("circle");
  error.cause = error;

  assert.equal(errorVerdict(error).reason, "error");
});

test("isTransient is true for transient and throttled verdicts only", () => {
  const passing = [200, 403, 404, 429, 503].filter((status) => isTransient(statusVerdict(status)));

  assert.deepEqual(passing, [429, 503]);
});

test("isFinalWhenRepeated is true for a misdirected request and an unknown host name", () => {
  assert.equal(isFinalWhenRepeated(statusVerdict(421)), true);
  assert.equal(isFinalWhenRepeated(errorVerdict(connection("ENOTFOUND", "dns"))), true);
  assert.equal(isFinalWhenRepeated(statusVerdict(503)), false);
});
