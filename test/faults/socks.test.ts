import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConnectionError, Session, type ProxyReason } from "@holdfast/http";
import {
  faultOrigin,
  raw,
  reset,
  socks4Reply,
  socks5Reply,
  socksProxy,
  type Reply,
  type SocksProxy,
  type SocksTurns,
} from "@holdfast/http/testing";
import {
  credentials,
  failsBeforeTunnel,
  failureOf,
  limitsFor,
  noRetry,
  routes,
  sessionVia,
  twice,
  withOrigin,
} from "./proxy-stage.ts";

const bytes = (...all: readonly number[]): Reply => [{ send: Buffer.from(all) }];
const hang: Reply = [{ end: "hang" }];

const socksFaults: Readonly<Record<string, SocksTurns & { readonly reason: ProxyReason }>> = {
  "no acceptable method": { method: [...bytes(5, 0xff), ...hang], reason: "auth" },
  "a method that was not offered": { method: [...bytes(5, 1), ...hang], reason: "protocol" },
  "HTTP instead of a method": { method: raw("HTTP/1.1 400 Bad Request\r\n\r\n"), reason: "protocol" },
  "silence instead of a method": { method: hang, reason: "timeout-tunnel" },
  "half a method and a FIN": { method: [...bytes(5), { end: "fin" }], reason: "closed" },
  "a reset instead of a method": { method: reset(), reason: "closed" },
  "rejected credentials": { credentials: [...bytes(1, 1), ...hang], reason: "auth" },
  "silence after the credentials": { credentials: hang, reason: "timeout-tunnel" },
  "a FIN after the credentials": { credentials: [{ end: "fin" }], reason: "closed" },
  "silence instead of a reply": { reply: hang, reason: "timeout-tunnel" },
  "a reply that drips": {
    reply: [{ send: Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]), by: 1, every: 100 }],
    reason: "timeout-tunnel",
  },
  "a reply that is longer than what comes": {
    reply: [...bytes(5, 0, 0, 3, 255, 1, 2), ...hang],
    reason: "timeout-tunnel",
  },
  "a reply with an address of an unknown type": {
    reply: [...bytes(5, 0, 0, 9, 0, 0), ...hang],
    reason: "protocol",
  },
  "HTTP instead of a reply": { reply: raw("HTTP/1.1 200 OK\r\n\r\n"), reason: "protocol" },
  "a refusal without an address": { reply: [...bytes(5, 5), ...hang], reason: "origin-refused" },
  "a tunnel that is reset": { tunnel: [{ wait: 20 }, { end: "rst" }], reason: "cut" },
  "reply 1": { reply: socks5Reply(1), reason: "unavailable" },
  "reply 2": { reply: socks5Reply(2), reason: "refused" },
  "reply 3": { reply: socks5Reply(3), reason: "origin-unreachable" },
  "reply 4": { reply: socks5Reply(4), reason: "origin-unreachable" },
  "reply 5": { reply: socks5Reply(5), reason: "origin-refused" },
  "reply 6": { reply: socks5Reply(6), reason: "unavailable" },
  "reply 7": { reply: socks5Reply(7), reason: "unsupported" },
  "reply 8": { reply: socks5Reply(8), reason: "unsupported" },
  "reply 9": { reply: socks5Reply(9), reason: "unavailable" },
};

const socks4Faults: typeof socksFaults = {
  "code 91": { reply: socks4Reply(91), reason: "unavailable" },
  "code 92": { reply: socks4Reply(92), reason: "auth" },
  "code 93": { reply: socks4Reply(93), reason: "auth" },
  "an unknown code": { reply: socks4Reply(1), reason: "protocol" },
  "a reply in SOCKS5": { reply: socks5Reply(0), reason: "protocol" },
  silence: { reply: hang, reason: "timeout-tunnel" },
  "half a reply": { reply: [...bytes(0, 90, 0), ...hang], reason: "timeout-tunnel" },
};

async function failsBySocks(
  url: (proxy: SocksProxy) => string,
  turns: SocksTurns,
  reason: ProxyReason,
): Promise<void> {
  await withOrigin(async (stage) => {
    await using proxy = await socksProxy({ credentials, turns });

    const failure = await failsBeforeTunnel(stage, { url: url(proxy), proxy, reason });

    assert.doesNotMatch(`${String(failure)}${JSON.stringify(failure)}`, /ada|lace/);
  });
}

describe("a SOCKS5 proxy that replies", () => {
  for (const [name, { reason, ...turns }] of Object.entries(socksFaults))
    test(`${name}: the reason is ${reason}, nothing arrived, nothing stays open`, () =>
      failsBySocks(({ host }) => `socks5h://ada:lace@${host}`, turns, reason));
});

describe("a SOCKS4A proxy that replies", () => {
  for (const [name, { reason, ...turns }] of Object.entries(socks4Faults))
    test(`${name}: the reason is ${reason}, nothing arrived, nothing stays open`, () =>
      failsBySocks(({ host }) => `socks4a://ada@${host}`, turns, reason));
});

describe("a SOCKS proxy", () => {
  const kinds = [
    ["socks5", "ipv4"],
    ["socks5h", "name"],
    ["socks4", "ipv4"],
    ["socks4a", "name"],
  ] as const;
  for (const [kind, by] of kinds) {
    test(`${kind} receives ${by === "name" ? "the name" : "an address"} of the host, for plain and secure origins`, async () => {
      await withOrigin(async (stage) => {
        await using plain = await faultOrigin({ routes });
        await using proxy = await socksProxy({ credentials });
        await using session = sessionVia(`${kind}://ada:lace@${proxy.host}`, stage);

        const secureAnswer = await session.get(`https://${stage.authority}/`);
        const plainAnswer = await session.get(`http://localhost:${plain.port}/`);

        assert.deepEqual([await secureAnswer.text(), await plainAnswer.text()], ["here", "here"]);
        const host = by === "name" ? "localhost" : "127.0.0.1";
        assert.deepEqual(
          proxy.requests.map((request) => [request.version, request.by, request.host, request.port]),
          [stage.origin.port, plain.port].map((port) => [kind.startsWith("socks5") ? 5 : 4, by, host, port]),
        );
        const password = kind.startsWith("socks5") ? "lace" : "";
        assert.deepEqual(proxy.users[0], { user: "ada", password });
        assert.equal(plain.requests[0]?.target, "/");
      });
    });
  }

  test("a SOCKS proxy reaches an IPv6 address, and carries the next request on the same connection", async () => {
    await using origin = await faultOrigin({ routes, host: "::1" });
    await using proxy = await socksProxy();
    await using session = new Session({ proxy: `socks5://${proxy.host}`, retry: noRetry });

    for (const number of [1, 2]) await session.get(`${origin.url}/`, { params: { number } });

    assert.deepEqual(proxy.requests, [
      { version: 5, by: "ipv6", host: "0:0:0:0:0:0:0:1", port: origin.port },
    ]);
  });

  test("a SOCKS proxy carries HTTP/2", async () => {
    await withOrigin(
      async (stage) => {
        await using proxy = await socksProxy();
        await using session = sessionVia(`socks5h://${proxy.host}`, stage, { http2: true });

        const answers = await Promise.all([1, 2, 3].map(() => session.get(`https://${stage.authority}/`)));

        assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200, 200],
        );
        assert.deepEqual([stage.origin.requests[0]?.httpVersion, proxy.connections], ["2", 1]);
      },
      { http2: true },
    );
  });

  test("a SOCKS proxy that cuts the tunnel after the request leaves mayHaveArrived true", async () => {
    await using proxy = await socksProxy({ turns: { tunnel: [{ peek: true }, { end: "rst" }] } });
    await using session = new Session({ proxy: `socks5h://${proxy.host}`, retry: noRetry });

    const failure = await failureOf(session.post("http://origin.test/", { body: "x" }));

    assert.ok(failure instanceof ConnectionError && failure.mayHaveArrived, String(failure));
  });
});

const firstFails: Readonly<Record<string, SocksTurns>> = {
  "hangs up": { method: reset() },
  "is silent": { reply: hang },
  "fails (reply 1)": { reply: socks5Reply(1) },
  "cannot reach the origin (reply 4)": { reply: socks5Reply(4) },
  "cuts the tunnel": { tunnel: [{ wait: 20 }, { end: "rst" }] },
};
for (const [name, turns] of Object.entries(firstFails)) {
  test(`a POST is repeated after a proxy ${name}, and arrives once`, async () => {
    await withOrigin(async (stage) => {
      await using proxy = await socksProxy({ turns: [turns, {}] });
      await using session = sessionVia(`socks5h://${proxy.host}`, stage, {
        retry: twice,
        timeout: limitsFor("timeout-tunnel"),
      });

      const response = await session.post(`https://${stage.authority}/`, { body: "x" });

      assert.deepEqual([response.status, response.attempts.length], [200, 2]);
      assert.deepEqual(
        stage.origin.requests.map(({ body }) => body.toString()),
        ["x"],
      );
    });
  });
}
