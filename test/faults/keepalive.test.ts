import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Session } from "@holdfast/http";
import {
  closeWhenIdle,
  keepAliveHint,
  raw,
  resetOnNextByte,
  resetOnNextRequest,
  resetWhenIdle,
  respond,
  timeoutWhenIdle,
  type Reply,
  type FaultOrigin,
  type FaultOriginOptions,
} from "@holdfast/http/testing";
import { faultOrigin, test } from "./protocol.ts";
import { outcomeOf, scenarios, sessionFor, type Scenario } from "./scenario.ts";

const first = respond(200, { body: "first answer\n" });
const second = respond(200, { body: "second answer\n" });
const secondCame = { status: 200, body: "second answer\n" } as const;

/** Sends a first request, waits, and sends the tested request. */
function after(idle: number, method = "GET"): NonNullable<Scenario["ask"]> {
  return async (session: Session, { url }: FaultOrigin) => {
    assert.equal((await session.get(`${url}/`)).status, 200);
    if (idle > 0) await pause(idle);
    return session.request(method, `${url}/`, method === "POST" ? { body: "order" } : {});
  };
}

function firstThen(afterwards: Reply): FaultOriginOptions {
  return { routes: { "/": [[...first, ...afterwards], second] } };
}

/** A first response that keeps the connection open for the tested request. */
function firstRaw(rest: string, version = "1.1"): FaultOriginOptions {
  return { routes: { "/": [raw(`HTTP/${version} 200 OK\r\n${rest}`, "keep-alive"), second] } };
}

scenarios({
  "keepalive.stale-get": {
    origin: firstThen(resetOnNextRequest()),
    ask: after(20),
    expect: { ...secondCame, told: 1, attempts: 3, connections: 2 },
  },
  "keepalive: reset at the first byte of the next GET, without a pause": {
    origin: firstThen(resetOnNextByte()),
    ask: after(0),
    expect: { ...secondCame, told: 1, connections: 2 },
  },
  "keepalive.stale-post-not-doubled": {
    origin: firstThen(resetOnNextRequest()),
    ask: after(20, "POST"),
    expect: {
      error: { code: "ERR_CONNECTION", mayHaveArrived: true, phase: "headers" },
      attempts: 2,
      told: 1,
    },
  },
  "keepalive: a stale connection repeats a POST that carries an idempotency key": {
    origin: firstThen(resetOnNextRequest()),
    ask: async (session, origin) => {
      await session.get(`${origin.url}/`);
      return session.post(`${origin.url}/`, { body: "order", idempotencyKey: "k-1" });
    },
    expect: { ...secondCame, attempts: 3 },
  },
  "keepalive.fin-while-idle": {
    origin: firstThen(closeWhenIdle(20)),
    ask: after(150, "POST"),
    expect: { ...secondCame, attempts: 2, told: 1, connections: 2 },
  },
  "keepalive: reset while idle, then a POST": {
    origin: firstThen(resetWhenIdle(20)),
    ask: after(150, "POST"),
    expect: { ...secondCame, attempts: 2, told: 1, connections: 2 },
  },
  "keepalive.timeout-hint": {
    origin: {
      routes: { "/": [[...respond(200, { headers: keepAliveHint(1) }), ...closeWhenIdle(1_050)], second] },
    },
    ask: after(1_300, "POST"),
    expect: { ...secondCame, attempts: 2, told: 1, connections: 2 },
  },
  "keepalive.unsolicited-408": {
    origin: firstThen(timeoutWhenIdle(20)),
    ask: after(150, "POST"),
    expect: { ...secondCame, attempts: 2, told: 1, connections: 2 },
  },
  "keepalive: an unexpected response on an idle connection is not used": {
    origin: firstThen([
      {
        whenIdle: 20,
        play: [{ send: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstray\n" }, { end: "hang" }],
      },
    ]),
    ask: after(150),
    expect: { ...secondCame, connections: 2 },
  },
  "keepalive: a response with a second one after it is returned, and the connection is closed": {
    origin: {
      routes: {
        "/": [
          raw(
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstray\n",
            "keep-alive",
          ),
          second,
        ],
      },
    },
    ask: after(0),
    expect: { ...secondCame, attempts: 2, connections: 2 },
  },
  "keepalive: a response with two kinds of framing is the last on its connection": {
    origin: firstRaw("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    ask: after(0),
    expect: { ...secondCame, attempts: 2, connections: 2 },
  },
  "keepalive: a chunked response with trailers keeps the connection": {
    origin: firstRaw("Transfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ask: after(0),
    expect: { ...secondCame, attempts: 2, connections: 1 },
  },
  "keepalive: an HTTP/1.0 connection closes without keep-alive": {
    origin: firstRaw("Content-Length: 1\r\n\r\na", "1.0"),
    ask: after(0),
    expect: { ...secondCame, attempts: 2, connections: 2 },
  },
  "keepalive: an HTTP/1.0 connection with keep-alive is reused": {
    origin: firstRaw("Connection: Keep-Alive\r\nContent-Length: 1\r\n\r\na", "1.0"),
    ask: after(0),
    expect: { ...secondCame, attempts: 2, connections: 1 },
  },
  "keepalive: interim responses do not count as an earlier response": {
    origin: firstRaw("Content-Length: 1\r\n\r\na", "1.1 100 Continue\r\n\r\nHTTP/1.1"),
    ask: after(0),
    expect: { ...secondCame, attempts: 2, connections: 1 },
  },
  "keepalive: Connection: close ends the connection": {
    origin: { routes: { "/": [respond(200, { headers: { connection: "close" } }), second] } },
    ask: after(0, "POST"),
    expect: { ...secondCame, attempts: 2, told: 1, connections: 2 },
  },
  "keepalive: max=1, then a POST": {
    origin: {
      routes: {
        "/": [
          [...respond(200, { headers: { "keep-alive": "timeout=5, max=1" } }), ...closeWhenIdle(0)],
          second,
        ],
      },
    },
    ask: after(50, "POST"),
    expect: { ...secondCame, attempts: 2, told: 1, connections: 2 },
  },
  "keepalive: a head cut on a kept-alive connection is a failed attempt": {
    origin: { routes: { "/": [first, raw("HTTP/1.1 200 OK\r\nContent-Le"), second] } },
    ask: after(0),
    expect: { ...secondCame, attempts: 3, told: 2 },
  },
});

test("keepalive: a connection that closes as the request goes out is replaced once within the attempt, then by a further attempt", async () => {
  const stale = [...first, ...resetOnNextRequest()];
  await using origin = await faultOrigin({ routes: { "/": [stale, stale, stale, stale, second] } });
  await using session = await sessionFor();
  await Promise.all([session.get(`${origin.url}/`), session.get(`${origin.url}/`)]);

  const { response } = await outcomeOf(session.get(`${origin.url}/`));

  assert.equal(response?.status, 200);
});

test("keepalive: requests queued for a closing connection get another one", async () => {
  const closing = respond(200, { headers: { connection: "close" }, body: "one\n" });
  await using origin = await faultOrigin({ routes: { "/": closing } });
  await using session = await sessionFor({ adapter: { maxConnections: 1 } });

  const answers = await Promise.all(
    Array.from({ length: 8 }, () => session.post(`${origin.url}/`, { body: "x" })),
  );

  assert.deepEqual(
    answers.map(({ status, attempts }) => [status, attempts.length]),
    answers.map(() => [200, 1]),
  );
  assert.equal(origin.connections, 8);
});

test("keepalive: a POST of a stream on a closed connection is sent once, completely", async () => {
  await using origin = await faultOrigin({ routes: { "/": [[...first, ...closeWhenIdle(0)], second] } });
  await using session = await sessionFor();
  await session.get(`${origin.url}/`);
  await pause(50);

  async function* once(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode("one ");
    yield new TextEncoder().encode("shot");
  }
  const { response, error } = await outcomeOf(session.post(`${origin.url}/`, { body: once() }));

  assert.ifError(error);

  assert.equal(await response?.text(), "second answer\n");
  assert.equal(origin.requests.at(-1)?.body.toString(), "one shot");
});
