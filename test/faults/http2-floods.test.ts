import assert from "node:assert/strict";
import { createSecureServer, type ServerHttp2Session } from "node:http2";
import { test } from "node:test";
import { createServer, type TLSSocket } from "node:tls";
import { selfSigned } from "@holdfast/http/testing";
import { listenOnLoopback } from "../support/loopback-server.ts";
import { bounded, outcomeOf, sessionFor } from "./scenario.ts";

const certificate = selfSigned();
const adapter = { http2: true, tls: { ca: certificate.cert } } as const;

// RFC 9113 §6.
const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
  unknown: 99,
};
const endStream = 1;
const endHeaders = 4;

function frame(type: number, payload: Uint8Array, { flags = 0, stream = 1 } = {}): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function setting(name: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(name, 0);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

const connection = { stream: 0 };
const nothing = Buffer.alloc(0);
/** `:status: 200`, from the static table of HPACK. */
const ok = Buffer.of(0x88);
const head = frame(types.headers, ok, { flags: endHeaders });
const end = frame(types.data, nothing, { flags: endStream });

/** A header field with a new name, as a literal without Huffman coding (RFC 7541 §6.2). `kind` 0 adds it to no table. */
function field(name: string, value: string, kind = 0): Buffer {
  return Buffer.concat([Buffer.of(kind), hpackString(name), hpackString(value)]);
}

function hpackString(text: string): Buffer {
  return Buffer.concat([hpackNumber(text.length, 7), Buffer.from(text)]);
}

/** RFC 7541 §5.1, with a prefix of `bits` bits and nothing before it. */
function hpackNumber(value: number, bits: number): Buffer {
  const max = 2 ** bits - 1;
  if (value < max) return Buffer.of(value);
  const bytes = [max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** Splits a head into frames that fit. */
function longHead(block: Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < block.length; at += 16_384) {
    const flags = at + 16_384 >= block.length ? endHeaders : 0;
    const part = block.subarray(at, at + 16_384);
    frames.push(frame(at === 0 ? types.headers : types.continuation, part, { flags }));
  }
  return Buffer.concat(frames);
}

function repeat(count: number, bytes: Uint8Array): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => bytes));
}

interface Attack {
  /** Settings of the server. @default none */
  readonly settings?: Buffer;
  /** What it sends in response to a request, as often as the connection takes it, up to `times`. @default 1 */
  readonly response: Buffer;
  /** What it sends before, once. @default nothing */
  readonly head?: Buffer;
  readonly times?: number;
}

/** A server that only writes. */
async function attacker({
  settings = nothing,
  response,
  head: start = nothing,
  times = 1,
}: Attack): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer({ ...certificate, ALPNProtocols: ["h2"] }, (socket: TLSSocket) => {
    socket.on("error", () => undefined);
    socket.write(frame(types.settings, settings, connection));
    let left = times;
    const send = (): void => {
      if (left === times) socket.write(start);
      for (let isTaken = true; isTaken && left > 0 && socket.writable; left -= 1)
        isTaken = socket.write(response);
    };
    let hasRequest = false;
    socket.on("drain", send).on("data", (bytes: Buffer) => {
      // A request is longer than the preface and the frames of the connection.
      hasRequest ||= bytes.length > 100;
      if (hasRequest && left === times) send();
    });
  });
  const listening = await listenOnLoopback(server);
  return {
    url: `https://127.0.0.1:${listening.port}/`,
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
}

const [kilobyte, megabyte] = [1_024, 1_024 * 1_024];

/** Attacks that end the call with an error. */
const fatal: Readonly<Record<string, Attack>> = {
  "endless SETTINGS": {
    response: repeat(500, frame(types.settings, setting(3, 100), connection)),
    times: 100_000,
  },
  "endless PINGs": { response: repeat(500, frame(types.ping, Buffer.alloc(8), connection)), times: 100_000 },
  "endless resets": { response: repeat(500, frame(types.reset, number(8), { stream: 7 })), times: 100_000 },
  "endless empty DATA": {
    response: Buffer.concat([head, repeat(5_000, frame(types.data, nothing))]),
    times: 10_000,
  },
  "endless DATA of one byte": {
    response: repeat(5_000, frame(types.data, Buffer.of(120))),
    head,
    times: 10_000,
  },
  "endless WINDOW_UPDATEs": {
    response: repeat(500, frame(types.window, number(1), connection)),
    times: 100_000,
  },
  "endless WINDOW_UPDATEs of a stream": {
    response: repeat(500, frame(types.window, number(1))),
    times: 100_000,
  },
  "endless PRIORITY": { response: repeat(500, frame(types.priority, Buffer.alloc(5))), times: 100_000 },
  "endless frames of an unknown type": {
    response: repeat(500, frame(types.unknown, Buffer.alloc(8), connection)),
    times: 100_000,
  },
  "endless GOAWAYs": {
    response: repeat(500, frame(types.goaway, Buffer.from("7fffffff00000000", "hex"), connection)),
    times: 100_000,
  },
  "endless interim responses": {
    // `:status: 103` as a literal with the name of the static table (RFC 7541 §6.2.2).
    response: repeat(500, frame(types.headers, Buffer.from("\b\u0003103"), { flags: endHeaders })),
    times: 100_000,
  },
  "an endless head": {
    response: Buffer.concat([frame(types.headers, ok), repeat(500, frame(types.continuation, nothing))]),
    times: 10_000,
  },
  "a head of 300 KiB": {
    response: Buffer.concat([longHead(Buffer.concat([ok, ...manyFields(300, kilobyte)])), end]),
  },
  "a head that unpacks to 40 MB": { response: Buffer.concat([longHead(unpacking(10_000)), end]) },
  "a promise by a server that does not acknowledge settings": { response: promise(2) },
  "endless promises": {
    response: Buffer.concat(Array.from({ length: 5_000 }, (_, at) => promise(2 * at + 2))),
  },
  "DATA beyond the window of the connection": {
    response: Buffer.concat([head, repeat(64, frame(types.data, Buffer.alloc(16_384)))]),
    times: 10_000,
  },
};

/** Promises the response to a GET of `/` at `127.0.0.1`. */
function promise(stream: number): Buffer {
  const request = Buffer.concat([Buffer.of(0x82, 0x87, 0x84, 0x01), hpackString("127.0.0.1")]);
  return frame(types.push, Buffer.concat([number(stream), request]), { flags: endHeaders });
}

function manyFields(count: number, size: number): readonly Buffer[] {
  return Array.from({ length: count }, (_, at) => field(`x-${at}`, "v".repeat(size)));
}

/** One field of 4,000 bytes that enters the dynamic table, and references to it of one byte each (RFC 7541 §6.1). */
function unpacking(references: number): Buffer {
  return Buffer.concat([ok, field("x", "v".repeat(4_000), 0x40), Buffer.alloc(references, 0x80 | 62)]);
}

for (const [what, attack] of Object.entries(fatal)) {
  test(`http2: ${what} ends the call, and neither memory nor the event loop suffers`, async () => {
    await using server = await attacker(attack);
    await using session = await sessionFor({
      adapter,
      retry: { total: 0 },
      timeout: { read: "3s", total: "6s" },
    });
    const before = process.memoryUsage().rss;
    let [late, last] = [0, performance.now()];
    const timer = setInterval(() => {
      late = Math.max(late, performance.now() - last);
      last = performance.now();
    }, 10);

    // A body that nobody reads keeps its stream paused.
    const { error } = await outcomeOf(
      what.startsWith("DATA")
        ? session.get(server.url, { stream: true }).then(async (response) => {
            await new Promise((resolve) => setTimeout(resolve, 500));
            await response.text();
            return session.get(server.url);
          })
        : session.get(server.url),
    );
    clearInterval(timer);
    const grown = process.memoryUsage().rss - before;

    assert.ok(error !== undefined, "The call succeeded");
    assert.ok(grown < 150 * megabyte, `${Math.round(grown / megabyte)} MB more`);
    assert.ok(late < 1_500, `A timer of 10 ms was ${Math.round(late)} ms late`);
  });
}

for (const [what, attack] of Object.entries(fatal).filter(([, { times = 1 }]) => times > 1)) {
  test(`http2: ${what} ends a call with a deadline of 300 ms in time`, async () => {
    await using server = await attacker(attack);
    await using session = await sessionFor({ adapter, timeout: { read: "30s", total: 300 } });
    const began = performance.now();

    const { error } = await outcomeOf(session.get(server.url));

    assert.ok(error !== undefined, "The call succeeded");
    bounded("elapsed", performance.now() - began, { max: 2_000 });
  });
}

test("http2: a body in frames of one byte is complete", async () => {
  const text = "0123456789".repeat(20_000);
  const pieces = Array.from(text, (letter) => frame(types.data, Buffer.from(letter)));
  await using server = await attacker({ response: Buffer.concat([head, ...pieces, end]) });
  await using session = await sessionFor({ adapter, timeout: { read: "5s" } });

  const response = await session.get(server.url);

  assert.equal(await response.text(), text);
});

test("http2: a server with a window of zero delays uploads alone, and only until it opens", async () => {
  await using server = await closedWindow();
  await using session = await sessionFor({ adapter, retry: { total: 0 }, timeout: { read: "5s" } });
  await session.get(server.url);

  const upload = outcomeOf(session.post(server.url, { body: Buffer.alloc(30 * megabyte) }));
  const stuck = outcomeOf(session.post(server.url, { body: "order", timeout: { read: 300 } }));
  const get = await session.get(server.url);
  const { error } = await stuck;
  server.open();

  assert.equal(get.status, 200);
  assert.deepEqual(
    ["code", "mayHaveArrived"].map((name) => Reflect.get(error ?? {}, name)),
    ["ERR_READ_TIMEOUT", true],
  );
  const { response, error: failure } = await upload;
  assert.ifError(failure);
  assert.deepEqual([await response?.text(), server.connections()], [String(30 * megabyte), 1]);
});

test("http2: a body that is not read does not delay the others of its connection", async () => {
  const size = 1.5 * megabyte;
  await using server = await closedWindow({ initialWindowSize: 65_535, size });
  await using session = await sessionFor({ adapter, retry: { total: 0 }, timeout: { read: "15s" } });

  const unread = await Promise.all(
    Array.from({ length: 20 }, () => session.get(`${server.url}large`, { stream: true })),
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  const get = await session.get(server.url);
  const lengths = await Promise.all(unread.map(async (response) => (await response.bytes()).length));

  assert.equal(get.status, 200);
  assert.deepEqual(new Set(lengths), new Set([size]));
  assert.equal(server.connections(), 1);
});

/** A server with this window for uploads, which `open` opens wide. It returns the length of each upload. */
async function closedWindow({ initialWindowSize = 0, size = 0 } = {}): Promise<
  { readonly url: string; open(): void; connections(): number } & AsyncDisposable
> {
  const sessions: ServerHttp2Session[] = [];
  const server = createSecureServer({
    ...certificate,
    settings: { initialWindowSize },
    maxSessionMemory: 1_000,
  })
    .on("session", (session) => sessions.push(session.on("error", () => undefined)))
    .on("stream", (stream, { ":path": path }) => {
      let length = 0;
      stream
        .on("error", () => undefined)
        .on("data", (piece: Buffer) => (length += piece.length))
        .once("end", () => {
          // The upload that was given up has no stream to respond on.
          if (stream.destroyed) return;
          stream.respond({ ":status": 200 });
          stream.end(path === "/large" ? Buffer.alloc(size) : String(length));
        });
    });
  const listening = await listenOnLoopback(server);
  return {
    url: `https://127.0.0.1:${listening.port}/`,
    open: () => {
      for (const session of sessions) session.settings({ initialWindowSize: megabyte });
    },
    connections: () => sessions.length,
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
}
