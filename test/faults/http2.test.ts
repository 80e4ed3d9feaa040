import assert from "node:assert/strict";
import { constants, createSecureServer } from "node:http2";
import { test } from "node:test";
import type { HttpAdapterOptions, Session } from "@holdfast/http";
import {
  delayAccept,
  chunked,
  cut,
  drip,
  echo,
  faultOrigin,
  goawayProcessed,
  goawayUnprocessed,
  informational,
  refuseStream,
  reset,
  resetOnAccept,
  resetStream,
  respond,
  selfSigned,
  silence,
  silentOnAccept,
  stall,
  type FaultOrigin,
  type FaultOriginOptions,
  type Routes,
} from "@holdfast/http/testing";
import { waitUntil } from "../support/holdfast.ts";
import { bounded, outcomeOf, scenarios, sessionFor, type Scenario } from "./scenario.ts";

const certificate = selfSigned();
const adapter: HttpAdapterOptions = { http2: true, tls: { ca: certificate.cert } };
const good = respond(200, { body: "all good" });
const text = "0123456789".repeat(3_000);
const big = respond(200, { body: text });
const came = { status: 200, body: "all good" } as const;

function over(routes: Routes, more: FaultOriginOptions = {}): Pick<Scenario, "origin" | "adapter"> {
  return { origin: { tls: certificate, http2: true, routes, ...more }, adapter };
}

const post = { method: "POST", request: { body: "order" } } as const;

scenarios({
  "http2: a response over HTTP/2": {
    ...over({ "/": good }),
    expect: { ...came, attempts: 1, connections: 1 },
  },
  "http2: a server that speaks only HTTP/1.1": {
    origin: { tls: certificate, routes: { "/": good } },
    adapter,
    expect: { ...came, attempts: 1, connections: 1 },
  },
  "http2: 503, then 200, on one connection": {
    ...over({ "/": [respond(503, { body: "later" }), good] }),
    expect: { ...came, attempts: 2, told: 2, connections: 1 },
  },
  "http2: 421, then 200, on a new connection": {
    ...over({ "/": [respond(421), good] }),
    expect: { ...came, attempts: 2, connections: 2 },
  },
  "http2.goaway-unprocessed-get": {
    ...over({ "/": [goawayUnprocessed(), good] }),
    expect: { ...came, attempts: 2, connections: 2 },
  },
  "http2: a GOAWAY below a POST proves that it was not processed": {
    ...over({ "/": [goawayUnprocessed(), good] }),
    ...post,
    expect: { ...came, attempts: 2, connections: 2, requestBody: "order" },
  },
  "http2: a repeated GOAWAY below a POST": {
    ...over({ "/": [goawayUnprocessed(), goawayUnprocessed(), goawayUnprocessed(), good] }),
    ...post,
    expect: { ...came, attempts: 4, requestBody: "order" },
  },
  "http2: a GOAWAY that includes the stream, and its response": {
    ...over({ "/": [...goawayProcessed(), { wait: 20 }, ...good] }),
    ...post,
    expect: { ...came, attempts: 1, told: 1 },
  },
  // If both arrive together, Node's HTTP/2 does not report the reset, and the read limit ends the attempt.
  "http2: a GOAWAY that includes a POST, and no response": {
    ...over({ "/": [...goawayProcessed(), { wait: 20 }, { end: "rst" }] }),
    ...post,
    expect: { error: { mayHaveArrived: true }, attempts: 1 },
  },
  "http2.refused-stream-post": {
    ...over({ "/": [refuseStream(), good] }),
    ...post,
    expect: { ...came, attempts: 2, connections: 1, requestBody: "order" },
  },
  "http2: repeated REFUSED_STREAM": {
    ...over({ "/": [refuseStream(), refuseStream(), refuseStream(), good] }),
    ...post,
    expect: { ...came, attempts: 4, requestBody: "order" },
  },
  "http2: endless REFUSED_STREAM": {
    ...over({ "/": refuseStream() }),
    ...post,
    retry: { total: 1 },
    expect: { error: { code: "ERR_CONNECTION", mayHaveArrived: false }, message: /REFUSED_STREAM/ },
  },
  "http2.rst-mid-body": {
    ...over({ "/": [[...cut(big, { atBody: 10_000, by: "fin" }).slice(0, -1), ...resetStream()], big] }),
    expect: { status: 200, body: text, attempts: { min: 2, max: 4 } },
  },
  "http2: a reset in the body of every attempt": {
    ...over({ "/": [...cut(big, { atBody: 10_000, by: "fin" }).slice(0, -1), ...resetStream()] }),
    expect: { error: { code: "ERR_INCOMPLETE_BODY", phase: "body" }, attempts: 5 },
  },
  "http2: a reset with NO_ERROR in the middle of a body of known length is not its end": {
    ...over({
      "/": [
        ...cut(big, { atBody: 10_000, by: "fin" }).slice(0, -1),
        ...resetStream(constants.NGHTTP2_NO_ERROR),
      ],
    }),
    retry: { total: 0 },
    expect: { error: { code: "ERR_INCOMPLETE_BODY" } },
  },
  "http2: a reset of a body of unknown length": {
    ...over({ "/": [...chunked(200, ["hello"], { last: false }), ...resetStream()] }),
    retry: { total: 0 },
    expect: { error: { code: "ERR_INCOMPLETE_BODY" } },
  },
  "http2: END_STREAM before the Content-Length": {
    ...over({ "/": cut(big, { atBody: 10_000, by: "fin" }) }),
    expect: { error: { code: "ERR_INCOMPLETE_BODY" }, attempts: 5 },
  },
  "http2: the TCP connection is reset in the middle of a body": {
    ...over({ "/": [cut(big, { atBody: 10_000 }), big] }),
    expect: { status: 200, body: text, attempts: 2, connections: 2 },
  },
  "http2: the TCP connection is reset instead of a response to a GET": {
    ...over({ "/": [reset(), good] }),
    expect: { ...came, attempts: 2 },
  },
  "http2: the TCP connection is reset instead of a response to a POST": {
    ...over({ "/": [reset(), good] }),
    ...post,
    expect: { error: { code: "ERR_CONNECTION", mayHaveArrived: true }, attempts: 1 },
  },
  "http2: the TCP connection is closed without a GOAWAY instead of a response to a POST": {
    ...over({ "/": [[{ end: "bare-fin" }], good] }),
    ...post,
    expect: { error: { code: "ERR_CONNECTION", mayHaveArrived: true }, attempts: 1 },
  },
  "http2: the TCP connection is closed without a GOAWAY during ten concurrent POSTs": {
    ...over({ "/": [{ wait: 50 }, { end: "rst" }] }),
    ask: async (session, { url }) => {
      const all = await Promise.allSettled(
        Array.from({ length: 10 }, () => session.post(`${url}/`, { body: "x" })),
      );
      for (const each of all)
        assert.equal(Reflect.get(Object(Reflect.get(each, "reason")), "mayHaveArrived"), true);
      return session.post(`${url}/`, { body: "x" });
    },
    expect: { error: { code: "ERR_CONNECTION", mayHaveArrived: true }, attempts: 11 },
  },
  "http2.post-rst-internal-once": {
    ...over({ "/": [resetStream(), good] }),
    ...post,
    expect: {
      error: { code: "ERR_CONNECTION", mayHaveArrived: true, phase: "headers" },
      message: /INTERNAL_ERROR/,
      attempts: 1,
    },
  },
  "http2: a GET whose stream is reset is retried": {
    ...over({ "/": [resetStream(), good] }),
    expect: { ...came, attempts: 2 },
  },
  "http2: PROTOCOL_ERROR is final": {
    ...over({ "/": resetStream(constants.NGHTTP2_PROTOCOL_ERROR) }),
    expect: { error: { code: "ERR_PROTOCOL" }, message: /PROTOCOL_ERROR/, attempts: 1 },
  },
  "http2: a stream closed with NO_ERROR and without a response": {
    ...over({ "/": [resetStream(constants.NGHTTP2_NO_ERROR), good] }),
    expect: { ...came, attempts: 2 },
  },
  "http2: a GET whose stream is cancelled each time uses all retries": {
    ...over({ "/": resetStream(constants.NGHTTP2_CANCEL) }),
    retry: { total: 2 },
    expect: { error: { code: "ERR_CONNECTION" }, message: /ended the stream/, attempts: 3, told: 3 },
  },
  "http2: a POST whose stream is cancelled": {
    ...over({ "/": [resetStream(constants.NGHTTP2_CANCEL), good] }),
    ...post,
    expect: { error: { mayHaveArrived: true }, message: /ended the stream/, attempts: 1, told: 1 },
  },
  "http2: silence costs the read limit of its stream": {
    ...over({ "/": [silence(), good] }),
    expect: { ...came, attempts: 2, elapsed: { min: 300, max: 1_000 } },
  },
  "http2: a body that stalls": {
    ...over({ "/": [stall(big, { atBody: 10_000 }), big] }),
    expect: { status: 200, body: text, attempts: 2, elapsed: { min: 300, max: 1_000 } },
  },
  "http2: gzip cut short": {
    ...over({ "/": respond(200, { coding: "gzip", body: text, codedBytes: 50 }) }),
    expect: { error: { code: "ERR_INCOMPLETE_BODY" }, attempts: 5 },
  },
  "http2: interim responses": {
    ...over({ "/": [...informational(103), ...informational(102), ...good] }),
    expect: { ...came, attempts: 1 },
  },
  "http2: a HEAD": {
    ...over({ "/": respond(200, { headers: { "content-length": 1_000 } }) }),
    method: "HEAD",
    expect: { status: 200, body: "", attempts: 1 },
  },
  "http2: a connection reset on accept while ten calls wait for it": {
    ...over({ "/": good }, { onConnection: [resetOnAccept(), []] }),
    ask: async (session, { url }) => {
      const all = await Promise.all(Array.from({ length: 10 }, () => session.get(`${url}/`)));
      return all[0] ?? session.get(url);
    },
    expect: { ...came, attempts: 10, connections: 2 },
  },
  "http2: an untrusted certificate fails ten calls with one handshake": {
    ...over({ "/": good }),
    adapter: { http2: true },
    ask: async (session, { url }) => {
      const all = await Promise.allSettled(Array.from({ length: 10 }, () => session.get(`${url}/`)));
      const [first] = all;
      if (first?.status === "rejected") throw first.reason;
      return session.get(url);
    },
    expect: { error: { code: "ERR_TLS", certificate: true }, attempts: 0, connections: 1 },
  },
});

async function withOrigin(
  routes: Routes,
  run: (session: Session, origin: FaultOrigin) => Promise<void>,
  more: FaultOriginOptions = {},
): Promise<void> {
  await using origin = await faultOrigin({ tls: certificate, http2: true, routes, ...more });
  await using session = await sessionFor({ adapter, timeout: { connect: "2s", read: "2s" } });
  await run(session, origin);
}

test("http2: a 421 does not affect other streams of its connection", async () => {
  await using origin = await faultOrigin({
    tls: certificate,
    http2: true,
    routes: { "/": [respond(421), good], "/slow": [{ wait: 200 }, ...good], "/first": good },
  });
  await using session = await sessionFor({ adapter });
  await session.get(`${origin.url}/first`);

  const [slow, misdirected] = await Promise.all([
    session.get(`${origin.url}/slow`),
    session.get(`${origin.url}/`),
  ]);

  assert.deepEqual(
    [slow, misdirected].map(({ status, attempts }) => [status, attempts.length]),
    [
      [200, 1],
      [200, 2],
    ],
  );
  assert.equal(origin.connections, 2);
});

test("http2: fifty concurrent calls share one connection and one handshake", () =>
  withOrigin(
    { "/": good },
    async (session, { url, connections: _, ...origin }) => {
      const all = await Promise.all(Array.from({ length: 50 }, () => session.get(`${url}/`)));

      assert.ok(all.every(({ status, attempts }) => status === 200 && attempts.length === 1));
      assert.equal(origin.requests.length, 50);
    },
    { onConnection: delayAccept(50) },
  ));

test("http2: three hundred concurrent calls succeed although a connection allows fewer streams", () =>
  withOrigin({ "/": good }, async (session, origin) => {
    const all = await Promise.all(Array.from({ length: 300 }, () => session.get(`${origin.url}/`)));

    assert.ok(all.every(({ status }) => status === 200));
    assert.equal(origin.connections, 1);
  }));

test("http2: fifty calls to a server that negotiates HTTP/1.1 get one connection each", async () => {
  await using origin = await faultOrigin({ tls: certificate, routes: { "/": [{ wait: 50 }, ...good] } });
  await using session = await sessionFor({ adapter, timeout: { connect: "2s", read: "2s" } });

  const all = await Promise.all(Array.from({ length: 20 }, () => session.get(`${origin.url}/`)));

  assert.ok(all.every(({ status }) => status === 200));
  assert.equal(origin.connections, 20);
});

test("http2: the abort of one stream does not affect the others", () =>
  withOrigin(
    { "/slow": drip(respond(200, { body: "slowly" }), { every: 50, bodyOnly: true }), "/": silence() },
    async (session, origin) => {
      const caller = new AbortController();
      const others = [1, 2, 3].map(() => outcomeOf(session.get(`${origin.url}/slow`)));
      const aborted = outcomeOf(session.get(`${origin.url}/`, { signal: caller.signal }));
      await waitUntil("all are seen", () => origin.requests.length === 4);

      caller.abort(new Error("enough"));

      assert.equal((await aborted).error?.message, "enough");
      for (const { response } of await Promise.all(others)) {
        assert.deepEqual([await response?.text(), response?.attempts.length], ["slowly", 1]);
      }
      assert.equal(origin.connections, 1);
    },
  ));

test("http2: the timeout of one stream does not affect the others, and they do not delay it", () =>
  withOrigin({ "/busy": good, "/": silence() }, async (session, origin) => {
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for (let piece = 0; piece < 16; piece += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        yield Buffer.alloc(5_000);
      }
    }
    const busy = outcomeOf(session.post(`${origin.url}/busy`, { body: slowly }));
    const began = performance.now();
    const { error } = await outcomeOf(session.post(`${origin.url}/`, { body: "x", timeout: { read: 300 } }));

    assert.equal(Reflect.get(error ?? {}, "code"), "ERR_READ_TIMEOUT");
    bounded("elapsed", performance.now() - began, { min: 300, max: 700 });
    assert.deepEqual([(await busy).response?.status, (await busy).response?.attempts.length], [200, 1]);
    assert.equal(origin.connections, 1);
  }));

test("http2: after a GOAWAY new calls use a new connection, and running ones end on the old one", () =>
  withOrigin(
    { "/last": [...goawayProcessed(), { wait: 200 }, ...good], "/": good },
    async (session, origin) => {
      const last = outcomeOf(session.post(`${origin.url}/last`, { body: "x" }));
      await waitUntil("the GOAWAY is out", () => origin.requests.length === 1);
      await new Promise((resolve) => setTimeout(resolve, 50));

      const all = await Promise.all(
        Array.from({ length: 5 }, () => session.post(`${origin.url}/`, { body: "y" })),
      );

      assert.ok(all.every(({ status, attempts }) => status === 200 && attempts.length === 1));
      assert.deepEqual([(await last).response?.status, (await last).response?.attempts.length], [200, 1]);
      assert.equal(origin.connections, 2);
    },
  ));

test("http2: streams above a GOAWAY are repeated immediately, and streams below end on the connection", async () => {
  const served: string[] = [];
  const server = createSecureServer(certificate);
  server.on("stream", (stream, { ":path": path = "" }) => {
    served.push(path);
    stream.on("error", () => undefined);
    if (path === "/above" && served.filter((each) => each === path).length === 1) {
      return stream.session?.goaway(constants.NGHTTP2_NO_ERROR, (stream.id ?? 0) - 2);
    }
    setTimeout(() => stream.respond({ ":status": 200 }, { endStream: true }), path === "/below" ? 600 : 0);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = `https://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  await using session = await sessionFor({ adapter, timeout: { read: "3s" } });
  const below = outcomeOf(session.post(`${url}/below`, { body: "x" }));
  await waitUntil("it is seen", () => served.length === 1);

  const above = await outcomeOf(session.post(`${url}/above`, { body: "y" }));
  const { response, error } = await below;
  server.close();

  assert.ifError(error);
  assert.deepEqual([response?.status, response?.attempts.length, above.response?.status], [200, 1, 200]);
  assert.deepEqual(served, ["/below", "/above", "/above"]);
  bounded("above", above.response?.elapsed ?? NaN, { max: 500 });
});

test("http2: a large upload arrives complete", () =>
  withOrigin({ "/": echo() }, async (session, origin) => {
    const body = Buffer.alloc(3_000_000, "0123456789");
    for (const upload of [body, new Blob([body]), body.toString()]) {
      const response = await session.put(`${origin.url}/`, { body: upload });
      assert.equal(response.status, 200);
      assert.ok(origin.requests.at(-1)?.body.equals(body));
    }
  }));

test("http2: a silent dead connection is dropped after one read limit", () =>
  withOrigin({ "/": [good, silence(), good] }, async (session, origin) => {
    await session.get(`${origin.url}/`);
    await session.get(`${origin.url}/other`);

    const { response } = await outcomeOf(session.get(`${origin.url}/`, { timeout: { read: 200 } }));

    assert.equal(response?.status, 200);
    assert.deepEqual([origin.requests.length, origin.connections], [4, 2]);
  }));

test("http2: a slow upload, of bytes and of a stream, does not count as silence", () => {
  const slowly = Array.from({ length: 8 }, () => [{ read: 100_000 }, { wait: 100 }] as const).flat();
  return withOrigin({ "/": [...slowly, { read: "all" }, ...good] }, async (session, origin) => {
    const body = Buffer.alloc(1_500_000, "0123456789");
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < body.length; at += 50_000) yield body.subarray(at, at + 50_000);
    }
    for (const upload of [body, stream]) {
      const { response, error } = await outcomeOf(
        session.post(`${origin.url}/`, { body: upload, timeout: { read: 300 } }),
      );

      assert.ifError(error);
      assert.equal(response?.elapsed !== undefined && response.elapsed > 700, true);
      assert.ok(origin.requests.at(-1)?.body.equals(body));
    }
  });
});

test("http2: the connect limit ends a hanging handshake for all waiting calls", async () => {
  await using origin = await faultOrigin({ tls: certificate, http2: true, onConnection: silentOnAccept() });
  await using session = await sessionFor({ adapter, retry: { total: 0 }, timeout: { connect: 200 } });
  const began = performance.now();

  const all = await Promise.all([1, 2, 3].map(() => outcomeOf(session.get(`${origin.url}/`))));

  assert.deepEqual(
    all.map(({ error }) => Reflect.get(error ?? {}, "code")),
    ["ERR_CONNECT_TIMEOUT", "ERR_CONNECT_TIMEOUT", "ERR_CONNECT_TIMEOUT"],
  );
  bounded("elapsed", performance.now() - began, { min: 199, max: 600 });
  assert.equal(origin.connections, 1);
});

test("http2: close() ends running calls with its reason", () =>
  withOrigin({ "/": silence() }, async (session, origin) => {
    const calls = [1, 2, 3].map(() => outcomeOf(session.get(`${origin.url}/`)));
    await waitUntil("all are seen", () => origin.requests.length === 3);

    await session.close();

    for (const { error } of await Promise.all(calls))
      assert.match(error?.message ?? "", /The session was closed/);
    await waitUntil("the connection is closed", () => origin.openConnections === 0);
  }));
