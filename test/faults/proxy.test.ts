import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { BodyNotReplayableError, ProxyError, Session, type ProxyReason } from "@holdfast/http";
import {
  cutHandshake,
  drip,
  endlessHead,
  faultOrigin,
  informational,
  raw,
  redirect,
  reset,
  respond,
  silence,
  silentOnAccept,
  tunnel,
  type Reply,
  type FaultOriginOptions,
} from "@holdfast/http/testing";
import { certificates, type Certificates } from "../support/certificates.ts";
import {
  blames,
  empty,
  failsBeforeTunnel,
  failureOf,
  limitsFor,
  noRetry,
  routes,
  sessionVia,
  twice,
  withOrigin,
} from "./proxy-stage.ts";

const inTheTunnel = (...steps: Reply): Reply => [
  { head: { status: 200, reason: "OK", version: "1.1", lines: [] } },
  ...steps,
];

interface Refusal {
  readonly answer: Reply;
  readonly reason: ProxyReason;
  readonly status?: number;
}

const connectFaults: Readonly<Record<string, Refusal>> = {
  "407": { answer: respond(407), reason: "auth", status: 407 },
  "402": { answer: respond(402), reason: "payment", status: 402 },
  "403": { answer: respond(403), reason: "refused", status: 403 },
  "429": { answer: respond(429), reason: "throttled", status: 429 },
  "500": { answer: respond(500), reason: "unavailable", status: 500 },
  "502": { answer: respond(502), reason: "unavailable", status: 502 },
  "503": { answer: respond(503), reason: "unavailable", status: 503 },
  "504": { answer: respond(504), reason: "unavailable", status: 504 },
  "594 of proxy-chain": { answer: respond(594), reason: "unavailable", status: 594 },
  "502 with a Proxy-Status": {
    answer: respond(502, { headers: { "proxy-status": "p; error=connection_refused" } }),
    reason: "origin-refused",
    status: 502,
  },
  "a FIN": { answer: [{ end: "fin" }], reason: "closed" },
  "a reset": { answer: reset(), reason: "closed" },
  "half a head and a FIN": { answer: raw("HTTP/1.1 200 Conn"), reason: "closed" },
  "no HTTP": { answer: raw("SSH-2.0-OpenSSH_9.6\r\n", "hang"), reason: "protocol" },
  "an endless head": { answer: endlessHead(), reason: "protocol" },
  silence: { answer: silence(), reason: "timeout-tunnel" },
  "a head that drips": { answer: drip(respond(200), { every: 100 }), reason: "timeout-tunnel" },
  "a tunnel that is reset": { answer: inTheTunnel({ wait: 20 }, { end: "rst" }), reason: "cut" },
  "a tunnel that is closed": { answer: inTheTunnel({ end: "fin" }), reason: "cut" },
};

describe("an http proxy that replies to CONNECT with", () => {
  for (const [name, { answer, reason, status }] of Object.entries(connectFaults)) {
    test(`${name}: the reason is ${reason}, nothing arrived, nothing stays open`, async () => {
      await withOrigin(async (stage) => {
        await using proxy = await faultOrigin({ routes: { [stage.authority]: answer } });

        await failsBeforeTunnel(stage, { url: proxy.url, proxy, reason, status });
      });
    });
  }

  test("a meaningless length, or an interim response before the 200, opens the tunnel", async () => {
    await withOrigin(async (stage) => {
      await using proxy = await faultOrigin({
        routes: {
          [stage.authority]: [
            [
              { head: { status: 200, reason: "OK", version: "1.1", lines: [["content-length", "99999"]] } },
              { tunnel: stage.to },
            ],
            [...informational(100), ...tunnel(stage.to)],
          ],
        },
      });
      for (const connection of [1, 2]) {
        await using session = sessionVia(proxy.url, stage);
        assert.equal(await (await session.get(`https://${stage.authority}/`)).text(), "here");
        assert.equal(proxy.connections, connection);
      }
    });
  });

  test("503 with Retry-After makes the next attempt wait", async () => {
    await withOrigin(async (stage) => {
      const refusal = respond(503, { headers: { "retry-after": "0.2" } });
      await using proxy = await faultOrigin({
        routes: { [stage.authority]: [refusal, refusal, tunnel(stage.to)] },
      });
      await using session = sessionVia(proxy.url, stage);

      const failure = await failureOf(session.get(`https://${stage.authority}/`));
      const response = await session.post(`https://${stage.authority}/`, { body: "x", retry: twice });

      assert.ok(failure instanceof ProxyError);
      assert.equal(failure.retryAfter, "0.2");
      assert.equal(response.attempts[0]?.delaySource, "retry-after");
      assert.ok((proxy.gaps(stage.authority)[1] ?? 0) >= 190);
    });
  });
});

describe("an https proxy", () => {
  interface TlsCase {
    readonly proxy: (all: Certificates) => FaultOriginOptions;
    readonly reason?: ProxyReason;
    readonly attempts?: number;
  }
  const cases: Readonly<Record<string, TlsCase>> = {
    "that is sound opens tunnels": { proxy: ({ good }) => ({ tls: good }) },
    "that hangs in the handshake": {
      proxy: ({ good }) => ({ tls: good, onConnection: silentOnAccept() }),
      reason: "timeout-tls",
    },
    "that cuts the handshake": {
      proxy: ({ good }) => ({ tls: good, onConnection: cutHandshake() }),
      reason: "tls",
    },
    "whose certificate has expired, which costs one handshake": {
      proxy: ({ expired }) => ({ tls: expired }),
      reason: "certificate",
      attempts: 1,
    },
    "without TLS": { proxy: () => ({}), reason: "tls" },
  };
  for (const [name, { proxy: plan, reason, attempts = 2 }] of Object.entries(cases)) {
    test(`${name}${reason === undefined ? "" : `: ${reason}`}`, async () => {
      await withOrigin(async (stage) => {
        await using proxy = await faultOrigin({
          routes: { [stage.authority]: tunnel(stage.to) },
          ...plan(stage.all),
        });
        await using session = sessionVia(`https://localhost:${proxy.port}`, stage, {
          retry: twice,
          timeout: limitsFor(reason),
        });
        const call = session.post(`https://${stage.authority}/`, { body: "x" });

        if (reason === undefined) {
          assert.equal(await (await call).text(), "here");
        } else {
          blames(await failureOf(call), reason);
          assert.equal(proxy.connections, attempts);
          await empty(proxy);
        }
      });
    });
  }

  test("an https proxy receives neither the server name nor the client certificate for the origin", async () => {
    const { wrongHost, good, ca } = await certificates();
    await withOrigin(
      async (stage) => {
        await using proxy = await faultOrigin({
          routes: { [`127.0.0.1:${stage.to.port}`]: tunnel(stage.to) },
          tls: good,
        });
        const tls = { ca: ca.cert, servername: "elsewhere.example", cert: good.cert, key: good.key };
        await using session = sessionVia(`https://127.0.0.1:${proxy.port}`, stage, { tls });

        const response = await session.get(`https://127.0.0.1:${stage.to.port}/`);

        assert.equal(await response.text(), "here");
      },
      { tls: wrongHost },
    );
  });

  test("an https proxy receives plain requests with the full URL, and keeps its connection", async () => {
    const all = await certificates();
    await using proxy = await faultOrigin({ routes, tls: all.good });
    const url = `https://ada:lace@localhost:${proxy.port}`;
    await using session = new Session({ proxy: url, retry: noRetry, tls: { ca: all.ca.cert } });

    for (const number of [1, 2]) await session.get("http://origin.test/", { params: { number } });

    assert.deepEqual(
      proxy.requests.map(({ target, headers }) => [target, headers["proxy-authorization"]]),
      [1, 2].map((number) => [
        `http://origin.test/?number=${number}`,
        `Basic ${Buffer.from("ada:lace").toString("base64")}`,
      ]),
    );
    assert.equal(proxy.connections, 1);
  });
});

test("an http proxy at an IPv6 address opens a tunnel to an IPv6 address", async () => {
  const all = await certificates();
  await using origin = await faultOrigin({ routes, tls: all.good, host: "::1" });
  const authority = `[::1]:${origin.port}`;
  await using proxy = await faultOrigin({
    routes: { [authority]: tunnel({ host: "::1", port: origin.port }) },
    host: "::1",
  });
  await using session = new Session({ proxy: proxy.url, retry: noRetry, tls: { rejectUnauthorized: false } });

  const response = await session.get(`https://${authority}/`);

  assert.equal(await response.text(), "here");
  assert.equal(proxy.requests[0]?.headers["host"], authority);
});

describe("a plain request through a proxy", () => {
  interface Forwarded {
    readonly answer: Reply;
    /** undefined: the response appears to be the origin's own. */
    readonly reason?: ProxyReason;
    readonly mayHaveArrived?: boolean;
  }
  const squid = (name: string): Readonly<Record<string, string>> => ({ "x-squid-error": name });
  const cases: Readonly<Record<string, Forwarded>> = {
    "407": { answer: respond(407), reason: "auth", mayHaveArrived: false },
    "squid's 403": {
      answer: respond(403, { headers: squid("ERR_ACCESS_DENIED 0") }),
      reason: "refused",
      mayHaveArrived: false,
    },
    "squid's 503 for a refused connection": {
      answer: respond(503, { headers: squid("ERR_CONNECT_FAIL 111") }),
      reason: "origin-refused",
      mayHaveArrived: false,
    },
    "the 502 of squid for a truncated response": {
      answer: respond(502, { headers: squid("ERR_ZERO_SIZE_OBJECT 0") }),
      reason: "origin-failed",
      mayHaveArrived: true,
    },
    "a 503 that anybody may have sent": { answer: respond(503) },
    "a 403 that anybody may have sent": { answer: respond(403) },
  };
  for (const [name, { answer, reason, mayHaveArrived }] of Object.entries(cases)) {
    for (const stream of [false, true]) {
      test(`${name}${stream ? ", streamed" : ""} is ${reason === undefined ? "a response of the origin" : `a proxy failure: ${reason}`}`, async () => {
        await using proxy = await faultOrigin({ routes: { "/": answer } });
        await using session = new Session({ proxy: proxy.url, retry: noRetry });

        const outcome: unknown = await (
          stream ? session.get("http://origin.test/", { stream: true }) : session.get("http://origin.test/")
        ).catch((error: unknown) => error);

        if (reason === undefined) {
          assert.ok(!(outcome instanceof Error), String(outcome));
          return;
        }
        assert.ok(outcome instanceof ProxyError, String(outcome));
        assert.deepEqual([outcome.reason, outcome.mayHaveArrived], [reason, mayHaveArrived]);
      });
    }
  }
});

test("a stream sent to a proxy that did not forward it is not repeated, although the origin received nothing", async () => {
  const refusal = respond(503, { headers: { "x-squid-error": "ERR_CONNECT_FAIL 111" } });
  await using proxy = await faultOrigin({ routes: { "/": [refusal, respond(200)] } });
  await using session = new Session({ proxy: proxy.url, retry: twice });
  const streamed = session.put("http://origin.test/", { body: Readable.from([Buffer.from("x")]) });

  const failure = await failureOf(streamed);
  const whole = await session.post("http://origin.test/", { body: "x" });

  assert.ok(failure instanceof BodyNotReplayableError, String(failure));
  assert.deepEqual([whole.status, proxy.attempts("/")], [200, 2]);
});

test("a redirect from a plain to a secure origin does not send the proxy's credentials to the origin", async () => {
  await withOrigin(async (stage) => {
    const secure = `https://${stage.authority}/`;
    await using proxy = await faultOrigin({
      routes: {
        "/start": redirect(secure),
        [stage.authority]: tunnel(stage.to),
      },
    });
    const url = proxy.url.replace("//", "//ada:lace@");
    await using session = sessionVia(url, stage);

    const response = await session.get("http://origin.test/start");

    assert.equal(await response.text(), "here");
    const authorization = `Basic ${Buffer.from("ada:lace").toString("base64")}`;
    assert.deepEqual(
      proxy.requests.map(({ method, headers }) => [method, headers["proxy-authorization"]]),
      [
        ["GET", authorization],
        ["CONNECT", authorization],
      ],
    );
    assert.equal(stage.origin.requests[0]?.headers["proxy-authorization"], undefined);
  });
});
