import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { constants, createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import type { Session } from "@holdfast/http";
import {
  faultOrigin,
  goawayUnprocessed,
  informational,
  resetStream,
  respond,
  selfSigned,
  type Frame,
  type Reply,
  type Responder,
  type Routes,
} from "@holdfast/http/testing";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { waitUntil } from "../support/holdfast.ts";
import { bounded, outcomeOf, scenarios, sessionFor, type Scenario } from "./scenario.ts";

const certificate = selfSigned();
const adapter = { http2: true, tls: { ca: certificate.cert } } as const;
const good = respond(200, { body: "all good" });
const post = { method: "POST", request: { body: "order" } } as const;

// RFC 9113 §6.
const endStream = 1;
const endHeaders = 4;

function over(routes: Routes): Pick<Scenario, "origin" | "adapter"> {
  return { origin: { tls: certificate, http2: true, routes }, adapter };
}

/** Node's server, with a function that receives each connection and a function that receives each stream. */
async function nodeServer(
  onStream: (stream: ServerHttp2Stream, path: string) => void,
  onSession: (session: ServerHttp2Session) => void = () => undefined,
  settings: { readonly maxConcurrentStreams?: number } = {},
): Promise<{ readonly url: string; readonly sockets: readonly Socket[] } & AsyncDisposable> {
  const sockets: Socket[] = [];
  const server = createSecureServer({ ...certificate, settings });
  server.on("connection", (socket: Socket) => sockets.push(socket));
  server.on("session", (session) => {
    session.on("error", () => undefined);
    onSession(session);
  });
  server.on("stream", (stream, { ":path": path = "" }) => {
    stream.on("error", () => undefined);
    onStream(stream, path);
  });
  const listening = await listenOnLoopback(server);
  return {
    url: `https://127.0.0.1:${listening.port}`,
    sockets,
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
}

function finish(stream: ServerHttp2Stream, body = "ok"): void {
  if (stream.destroyed) return;
  stream.respond({ ":status": 200 });
  stream.end(body);
}

async function together<T>(count: number, run: (number: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, number) => run(number)));
}

/** Sends `count` GETs with `limit` in flight, and returns the number of attempts that the calls report. */
async function countAttempts(
  session: Session,
  url: string,
  { count, limit }: { readonly count: number; readonly limit: number },
): Promise<number> {
  let attempts = 0;
  let next = 0;
  await together(limit, async () => {
    while (next < count) {
      next += 1;
      const response = await session.get(`${url}/${next}`);
      attempts += response.attempts.length;
    }
  });
  return attempts;
}

test("http2: a header of an HTTP/1.1 connection is a TypeError, and other requests do not notice", async () => {
  const seen: string[] = [];
  await using server = await nodeServer((stream, path) => {
    seen.push(path);
    setTimeout(() => finish(stream), 100);
  });
  await using session = await sessionFor({ adapter, timeout: { read: "2s" } });
  await session.get(`${server.url}/first`);
  const neighbours = together(3, (number) => session.post(`${server.url}/order-${number}`, { body: "x" }));
  await waitUntil("the neighbours are under way", () => seen.length === 4);

  for (const [name, value] of [
    ["connection", "close"],
    ["keep-alive", "timeout=5"],
    ["proxy-connection", "keep-alive"],
    ["Transfer-Encoding", "chunked"],
    ["upgrade", "websocket"],
    ["http2-settings", "AAMAAABkAAQAoAAAAAIAAAAA"],
    ["te", "gzip"],
    ["te", "trailers, deflate"],
  ] as const) {
    const odd = session.get(`${server.url}/odd`, { headers: { [name]: value } });
    await assert.rejects(odd, (error: TypeError) => {
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, new RegExp(`The header ${name.toLowerCase()} .*remove it`));
      return true;
    });
  }
  const allowed = await session.get(`${server.url}/allowed`, { headers: { te: "trailers" } });

  assert.deepEqual(
    [...(await neighbours), allowed].map(({ status, attempts }) => [status, attempts.length]),
    Array.from({ length: 4 }, () => [200, 1]),
  );
  assert.deepEqual([seen.includes("/odd"), server.sockets.length], [false, 1]);
});

/** Requires HTTP/1.1 of requests over HTTP/2. */
const onlyHttp1: Responder = ({ httpVersion }) =>
  httpVersion === "2" ? resetStream(constants.NGHTTP2_HTTP_1_1_REQUIRED) : good;

scenarios(
  Object.fromEntries(
    [{ method: "GET" }, post].map((request): [string, Scenario] => [
      `http2: a ${request.method} that requires HTTP/1.1 is sent over HTTP/1.1 without a report`,
      {
        ...over({ "/": onlyHttp1 }),
        ...request,
        retry: { total: 0 },
        expect: { status: 200, body: "all good", attempts: 2, told: 1, connections: 2 },
      },
    ]),
  ),
);

test("http2: an origin that required HTTP/1.1 once gets no further request over HTTP/2", async () => {
  await using origin = await faultOrigin({ tls: certificate, http2: true, routes: { "/": onlyHttp1 } });
  await using session = await sessionFor({ adapter });

  await session.get(`${origin.url}/`);
  await together(3, () => session.get(`${origin.url}/`));
  await session.post(`${origin.url}/`, { body: "order" });

  assert.deepEqual(
    origin.requests.map(({ httpVersion }) => httpVersion === "2"),
    [true, false, false, false, false, false],
  );
});

/** A head with a Content-Length, and DATA frames. */
function sized(length: number, ...pieces: readonly string[]): readonly { readonly frame: Frame }[] {
  const value = String(length);
  // `:status: 200` from the static table, then content-length (index 28) as a literal without indexing (RFC 7541 §6.2.2).
  const payload = Buffer.concat([Buffer.of(0x88, 0x0f, 28 - 15, value.length), Buffer.from(value)]);
  const data = pieces.map((piece, at) => ({
    frame: { type: 0, flags: at === pieces.length - 1 ? endStream : 0, payload: piece },
  }));
  return [{ frame: { type: 1, flags: endHeaders, payload } }, ...data];
}

scenarios(
  Object.fromEntries(
    Object.entries({
      "shorter than its Content-Length": sized(11, "hello"),
      "shorter than its Content-Length, with an empty end": sized(11, "hello", ""),
      "longer than its Content-Length": sized(11, "hello world!"),
      "longer than its Content-Length by another piece": sized(11, "hello", " world", "!"),
    }).map(([what, frames]): [string, Scenario] => [
      `http2: a body that is ${what} is incomplete`,
      {
        ...over({ "/": [...frames, { wait: 50 }] }),
        retry: { total: 0 },
        expect: { error: { code: "ERR_INCOMPLETE_BODY", phase: "body" }, attempts: 1 },
      },
    ]),
  ),
);

/** A head of one field of 4,000 bytes, which enters the dynamic table (RFC 7541 §6.2.1), and references to it of one byte each. */
function largeHead(references: number): Buffer {
  const name = Buffer.from("\u0001x");
  // 4,000 is 127 + 33 + 30 × 128 (RFC 7541 §5.1).
  const value = Buffer.concat([Buffer.of(127, 128 + 33, 30), Buffer.alloc(4_000, "v")]);
  return Buffer.concat([Buffer.of(0x88, 0x40), name, value, Buffer.alloc(references, 0x80 | 62)]);
}

const largeHeadReply: Reply = [
  { frame: { type: 1, flags: endHeaders | endStream, payload: largeHead(70) } },
  { wait: 300 },
];

/** Responses that break a rule of their stream only (RFC 9113 §8.1.1), and the outcome of their request. */
const faulty: Readonly<Record<string, { method?: string; frames: Reply; outcome: unknown }>> = {
  "a body longer than its Content-Length": {
    frames: [...sized(5, "too long"), { wait: 300 }],
    outcome: "ERR_INCOMPLETE_BODY",
  },
  "a body longer than its Content-Length by a later piece": {
    frames: [...sized(5, "hello", " world", "!"), { wait: 300 }],
    outcome: "ERR_INCOMPLETE_BODY",
  },
  "a HEAD with a body": { method: "HEAD", frames: [...sized(5, "hello"), { wait: 300 }], outcome: 200 },
  // `:status: 204` from the static table.
  "a 204 with a body": {
    frames: [
      { frame: { type: 1, flags: endHeaders, payload: Buffer.of(0x89) } },
      { frame: { type: 0, flags: endStream, payload: "hello" } },
      { wait: 300 },
    ],
    outcome: 204,
  },
  "a head larger than 256 KiB": {
    frames: largeHeadReply,
    outcome: "ERR_PROTOCOL",
  },
};

for (const [what, { method = "GET", frames, outcome }] of Object.entries(faulty)) {
  test(`http2: ${what} does not affect the other requests of its connection`, async () => {
    await using origin = await faultOrigin({
      tls: certificate,
      http2: true,
      routes: {
        "/faulty": [{ wait: 100 }, ...frames],
        "/slow": [{ read: "all" }, { wait: 250 }, ...good],
        "/": good,
      },
    });
    await using session = await sessionFor({ adapter, timeout: { read: "2s" } });
    await session.get(`${origin.url}/`);

    const [wrong, get, sent] = await Promise.all([
      outcomeOf(session.request(method, `${origin.url}/faulty`, { retry: { total: 0 } })),
      outcomeOf(session.get(`${origin.url}/slow`)),
      outcomeOf(session.post(`${origin.url}/slow`, { body: "order" })),
    ]);
    const after = await session.post(`${origin.url}/`, { body: "order" });

    assert.equal(wrong.response?.status ?? Reflect.get(wrong.error ?? {}, "code"), outcome);
    for (const { response, error } of [get, sent, { response: after, error: undefined }]) {
      assert.ifError(error);
      assert.deepEqual([await response?.text(), response?.attempts.length], ["all good", 1]);
    }
    assert.deepEqual([origin.requests.length, origin.connections], [5, 1]);
  });
}

scenarios({
  "http2: a head larger than 256 KiB is refused once, as over HTTP/1.1": {
    ...over({ "/": largeHeadReply }),
    expect: {
      error: { code: "ERR_PROTOCOL", phase: "headers", mayHaveArrived: true },
      message: /head.* larger than 256 KiB/,
      verdict: "protocol",
      attempts: 1,
    },
  },
  "http2: a head of 200 KiB is read": {
    ...over({
      "/": [{ frame: { type: 1, flags: endHeaders | endStream, payload: largeHead(50) } }, { wait: 50 }],
    }),
    expect: { status: 200, attempts: 1 },
  },
  "http2: a stream that the server resets with ENHANCE_YOUR_CALM is retried": {
    ...over({ "/": [resetStream(constants.NGHTTP2_ENHANCE_YOUR_CALM), good] }),
    expect: { status: 200, body: "all good", attempts: 2, told: 2 },
  },
});

test("http2: invalid frames among several requests fail none for good that may be repeated", async () => {
  const window = { type: 8, stream: 0, payload: Buffer.alloc(4) } as const;
  let isBroken = true;
  await using origin = await faultOrigin({
    tls: certificate,
    http2: true,
    routes: {
      "/slow": () => (isBroken ? [{ wait: 300 }] : good),
      "/broken": () => [{ wait: 50 }, { frame: window }, { end: "hang" }],
    },
  });
  await using session = await sessionFor({ adapter, timeout: { read: "2s" } });

  const calls = [
    session.get(`${origin.url}/slow`),
    session.post(`${origin.url}/slow`, { body: "order" }),
    session.get(`${origin.url}/broken`),
  ].map(outcomeOf);
  await waitUntil("all are seen", () => origin.requests.length === 3);
  isBroken = false;
  const [get, sent, broken] = await Promise.all(calls);

  assert.equal(get?.response?.status, 200);
  assert.deepEqual(
    ["code", "mayHaveArrived"].map((name) => Reflect.get(sent?.error ?? {}, name)),
    ["ERR_CONNECTION", true],
  );
  assert.equal(Reflect.get(broken?.error ?? {}, "code"), "ERR_PROTOCOL");
});

/** What a server may do to a connection that has served a request and is idle. */
const whileIdle: Readonly<Record<string, (session: ServerHttp2Session, socket: Socket | undefined) => void>> =
  {
    "closes the TCP connection": (_session, socket) => socket?.end(),
    "resets the TCP connection": (_session, socket) => socket?.resetAndDestroy(),
    "sends a GOAWAY": (session) => session.goaway(constants.NGHTTP2_NO_ERROR),
    "sends a GOAWAY with ENHANCE_YOUR_CALM and closes": (session) =>
      session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM),
    "closes the session": (session) => session.close(),
  };

for (const [what, act] of Object.entries(whileIdle)) {
  test(`http2: after a server ${what} of an idle connection, a POST uses a new one`, async () => {
    const seen: string[] = [];
    const connections: ServerHttp2Session[] = [];
    await using server = await nodeServer(
      (stream, path) => {
        seen.push(path);
        finish(stream);
      },
      (session) => connections.push(session),
    );
    await using session = await sessionFor({ adapter, timeout: { read: "2s" } });
    await session.get(`${server.url}/first`);

    for (const connection of connections) act(connection, server.sockets[0]);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const { status, attempts } = await session.post(`${server.url}/second`, { body: "order" });

    assert.deepEqual([status, attempts.length], [200, 1]);
    assert.deepEqual([seen, server.sockets.length], [["/first", "/second"], 2]);
  });
}

for (const [what, request, expect] of [
  ["a GET is repeated without a report", { method: "GET" }, { status: 200, attempts: 3, told: 1 }],
  ["a POST is not repeated", post, { error: { mayHaveArrived: true }, attempts: 2, told: 1 }],
  [
    "a POST with an idempotency key is repeated",
    { method: "POST", request: { body: "order", idempotencyKey: "k-1" } },
    { status: 200, attempts: 3 },
  ],
] as const) {
  scenarios({
    [`http2: after a reset of a used connection in response, ${what}`]: {
      ...over({ "/": [good, [{ end: "rst" }], good] }),
      ask: async (session, { url }) => {
        await session.get(`${url}/`);
        return session.request(request.method, `${url}/`, "request" in request ? request.request : {});
      },
      expect: { ...expect, connections: "error" in expect ? 1 : 2 },
    },
  });
}

test("http2: 300 requests over connections that serve ten each are 300 attempts", async () => {
  await using server = await nodeServer(
    (stream) => {
      const { session, id = 0 } = stream;
      // As nginx with `keepalive_requests 10`: the tenth request is the last one that the server processes.
      if (id > 19) return;
      setTimeout(() => finish(stream), 2);
      if (id === 19) session?.goaway(constants.NGHTTP2_NO_ERROR, id);
    },
    undefined,
    { maxConcurrentStreams: 100 },
  );
  await using session = await sessionFor({ adapter, retry: { total: 0 }, timeout: { read: "5s" } });

  const attempts = await countAttempts(session, server.url, { count: 300, limit: 16 });

  assert.equal(attempts, 300);
  bounded("connections", server.sockets.length, { min: 30, max: 40 });
});

scenarios({
  "http2: a GOAWAY that excludes the first request of each connection is repeated once, and then reported": {
    ...over({ "/": goawayUnprocessed() }),
    ...post,
    retry: { total: 0 },
    expect: { error: { code: "ERR_CONNECTION", mayHaveArrived: false }, attempts: 2, told: 1 },
  },
  "http2: ENHANCE_YOUR_CALM is a reported attempt, so that the next one waits": {
    ...over({ "/": [goawayUnprocessed(constants.NGHTTP2_ENHANCE_YOUR_CALM), good] }),
    ...post,
    retry: { total: 1, backoffFactor: "200ms", backoffJitter: 0 },
    expect: { status: 200, attempts: 2, told: 2, gaps: [{ min: 180 }] },
  },
});

test("http2: requests wait for the server's limit of streams, which it may change", async () => {
  let open = 0;
  const peaks: number[] = [];
  let connection: ServerHttp2Session | undefined;
  await using server = await nodeServer(
    (stream) => {
      open += 1;
      peaks.push(open);
      stream.once("close", () => (open -= 1));
      setTimeout(() => finish(stream), 5);
    },
    (session) => (connection = session),
    { maxConcurrentStreams: 3 },
  );
  await using session = await sessionFor({ adapter, retry: { total: 0 }, timeout: { read: "5s" } });

  const first = await countAttempts(session, server.url, { count: 60, limit: 20 });
  const narrow = Math.max(...peaks.splice(0));
  connection?.settings({ maxConcurrentStreams: 12 });
  await waitUntil("the change is acknowledged", () => connection?.pendingSettingsAck === false);
  const second = await countAttempts(session, server.url, { count: 100, limit: 20 });

  assert.deepEqual([first, second, server.sockets.length], [60, 100, 1]);
  assert.equal(narrow, 3);
  bounded("peak", Math.max(...peaks), { min: 4, max: 12 });
});

test("http2: a POST that waits for a free stream was not sent when its connection is reset", async () => {
  const seen: string[] = [];
  await using server = await nodeServer(
    (stream, path) => {
      seen.push(path);
      if (path !== "/held") finish(stream);
    },
    undefined,
    { maxConcurrentStreams: 1 },
  );
  await using session = await sessionFor({ adapter, retry: { total: 0 }, timeout: { read: "5s" } });
  await session.get(`${server.url}/first`);
  const held = outcomeOf(session.post(`${server.url}/held`, { body: "order" }));
  await waitUntil("the first is seen", () => seen.length === 2);
  const waiting = outcomeOf(session.post(`${server.url}/waiting`, { body: "order" }));
  await new Promise((resolve) => setTimeout(resolve, 50));

  server.sockets[0]?.resetAndDestroy();
  const [first, second] = await Promise.all([held, waiting]);

  assert.equal(Reflect.get(first.error ?? {}, "mayHaveArrived"), true);
  assert.ifError(second.error);
  assert.deepEqual([second.response?.status, second.response?.attempts.length], [200, 1]);
  assert.deepEqual(seen, ["/first", "/held", "/waiting"]);
});

test("http2: a response that is complete before its streamed request ends the source of the body", async () => {
  await using server = await nodeServer((stream) => finish(stream));
  await using session = await sessionFor({ adapter, retry: { total: 0 }, timeout: { read: "5s" } });
  let hasEnded = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield Buffer.from("more");
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    } finally {
      hasEnded = true;
    }
  }

  const response = await session.post(`${server.url}/`, { body: endless });

  assert.equal(await response.text(), "ok");
  await waitUntil("the source has ended", () => hasEnded);
});

test("http2: streams that a server refuses because it has lowered its limit are not reported", async () => {
  let open = 0;
  let isLowered = false;
  await using server = await nodeServer((stream) => {
    open += 1;
    stream.once("close", () => (open -= 1));
    // Node refuses the streams that have already been sent.
    if (!isLowered && open === 8) stream.session?.settings({ maxConcurrentStreams: 2 });
    isLowered ||= open === 8;
    setTimeout(() => finish(stream), 20);
  });
  await using session = await sessionFor({ adapter, retry: { total: 0 }, timeout: { read: "5s" } });
  let opened = 0;
  const countStream = (): void => void (opened += 1);
  subscribe("http2.client.stream.created", countStream);

  const attempts = await countAttempts(session, server.url, { count: 60, limit: 30 });
  unsubscribe("http2.client.stream.created", countStream);

  assert.equal(attempts, 60);
  assert.ok(opened > 60, "The server refused no stream");
});

test("http2: an aborted request resets its stream, and frees its place and that of a waiting one", async () => {
  const seen: string[] = [];
  const codes: number[] = [];
  await using server = await nodeServer(
    (stream, path) => {
      seen.push(path);
      stream.once("close", () => codes.push(stream.rstCode));
      if (path !== "/held") finish(stream);
    },
    undefined,
    { maxConcurrentStreams: 1 },
  );
  await using session = await sessionFor({ adapter, timeout: { read: "5s" } });
  const [held, waiting] = [new AbortController(), new AbortController()];
  const first = outcomeOf(session.get(`${server.url}/held`, { signal: held.signal }));
  await waitUntil("the first is seen", () => seen.length === 1);
  const second = outcomeOf(session.get(`${server.url}/waiting`, { signal: waiting.signal }));
  const third = session.get(`${server.url}/third`);
  await new Promise((resolve) => setTimeout(resolve, 50));

  waiting.abort(new Error("no longer"));
  held.abort(new Error("enough"));

  assert.deepEqual([(await first).error?.message, (await second).error?.message], ["enough", "no longer"]);
  const { status, attempts } = await third;
  assert.deepEqual([status, attempts.length, server.sockets.length], [200, 1, 1]);
  assert.deepEqual(seen, ["/held", "/third"]);
  assert.equal(codes[0], constants.NGHTTP2_CANCEL);
});

/** Forwards TCP connections to a port until it is frozen: then it forwards nothing more of the connections it has. */
async function freezableRelay(port: number): Promise<{ port: number; freeze: () => void } & AsyncDisposable> {
  const pairs = new Set<Socket>();
  const relay = await listenOnLoopback(
    createServer((client) => {
      const server = connect(port, "127.0.0.1");
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        from.on("error", () => undefined).on("close", () => to.destroy());
        from.on("data", (bytes) => to.write(bytes));
        pairs.add(from);
      }
    }),
  );
  const freeze = (): void => {
    for (const socket of pairs) socket.removeAllListeners("data").resume();
  };
  return { port: relay.port, freeze, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

test("http2: a PING finds a dead connection before the read limit, and keeps one that is slow to respond", async () => {
  await using server = await nodeServer((stream, path) => {
    setTimeout(() => finish(stream), path === "/slow" ? 2_700 : 0);
  });
  await using relay = await freezableRelay(Number(new URL(server.url).port));
  const url = `https://127.0.0.1:${relay.port}`;
  await using session = await sessionFor({ adapter, retry: { total: 0 }, timeout: { read: "3s" } });

  const slow = await session.get(`${url}/slow`);
  relay.freeze();
  const calls = [session.get(`${url}/get`), session.post(`${url}/post`, { body: "order" })].map(outcomeOf);
  const began = performance.now();
  const [get, sent] = await Promise.all(calls);
  const elapsed = performance.now() - began;

  assert.deepEqual([slow.status, get?.response?.status, get?.response?.attempts.length], [200, 200, 1]);
  assert.deepEqual(
    ["code", "errno", "mayHaveArrived"].map((name) => Reflect.get(sent?.error ?? {}, name)),
    ["ERR_CONNECTION", "ETIMEDOUT", true],
  );
  bounded("elapsed", elapsed, { min: 1_900, max: 2_900 });
});

scenarios({
  "http2: interim responses before and trailers after a body": {
    ...over({
      "/": [
        ...informational(100),
        ...informational(103),
        { frame: { type: 1, flags: endHeaders, payload: Buffer.of(0x88) } },
        { frame: { type: 0, payload: "all good" } },
        // A literal field with a new name (RFC 7541 §6.2.2).
        {
          frame: {
            type: 1,
            flags: endHeaders | endStream,
            payload: Buffer.from("\0\u0001x\u0001y", "latin1"),
          },
        },
        { wait: 20 },
      ],
    }),
    expect: { status: 200, body: "all good", attempts: 1, told: 1 },
  },
  "http2: a connection that is reset in the same moment as its GOAWAY": {
    ...over({ "/": [[{ goaway: 0, processed: true }, { end: "rst" }], good] }),
    ...post,
    timeout: { read: "5s" },
    expect: { error: { code: "ERR_CONNECTION", mayHaveArrived: true }, attempts: 1, elapsed: { max: 2_000 } },
  },
});
