import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { test } from "node:test";
import { RecycledMemory } from "../../model/body-memory.ts";
import { SharedRead } from "../wire/read-buffer.ts";
import type { ExchangeController, ResponseListener, OutgoingRequest } from "../wire/protocol.ts";
import { Http1Client } from "./client.ts";
import { MalformedResponse } from "../errors/malformed-response.ts";
import { UnsendableRequest } from "../errors/unsendable-request.ts";
import { ConnectionEnded } from "./errors.ts";

interface Ends extends AsyncDisposable {
  readonly client: Http1Client;
  readonly socket: Socket;
  /** The server's side of the connection. */
  readonly server: Socket;
  /** The bytes that the server has read. */
  read(): string;
  readonly retired: () => boolean;
}

/** Returns a client and the other side of its connection. `shared` reads into the shared buffer, as connections without TLS do. */
async function ends({ shared = true } = {}): Promise<Ends> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  assert.ok(typeof address === "object" && address !== null);
  const read = shared ? new SharedRead() : undefined;
  const accepted = once(listener, "connection");
  const socket = connect({ port: address.port, host: "127.0.0.1", ...(read && { onread: read.options }) });
  read?.attachTo(socket);
  await once(socket, "connect");
  const [server] = (await accepted) as [Socket];
  let retired = false;
  let text = "";
  server.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  server.on("error", () => undefined);
  return {
    client: new Http1Client(socket, { host: "h" }, () => (retired = true)),
    socket,
    server,
    read: () => text,
    retired: () => retired,
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      server.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}

/** Records the events that it receives. */
class RecordingListener implements ResponseListener {
  readonly collectsBody: boolean;
  readonly events: string[] = [];
  readonly ended: Promise<void>;
  error: unknown;
  readonly #chunks: Buffer[] = [];
  /** Number of bytes of the body so far. */
  bytes = 0;
  sent = 0;
  controller: ExchangeController | undefined;
  #end: () => void = () => undefined;
  readonly #on: Partial<Record<"start" | "data" | "end", (controller: ExchangeController) => void>>;

  constructor(
    on: Partial<Record<"start" | "data" | "end", (controller: ExchangeController) => void>> = {},
    gathers = true,
  ) {
    this.#on = on;
    this.collectsBody = gathers;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  /** Joins the pieces on each access, because received pieces must not change later. */
  get body(): string {
    return Buffer.concat(this.#chunks).toString("latin1");
  }

  onRequestStart(controller: ExchangeController): void {
    this.events.push("start");
    this.controller = controller;
    this.#on.start?.(controller);
  }

  onBodySent(): void {
    this.sent += 1;
  }

  onResponseStarted(): void {
    this.events.push("began");
  }

  onResponseStart(_controller: ExchangeController, status: number): void {
    this.events.push(String(status));
  }

  onResponseData(controller: ExchangeController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
    this.#on.data?.(controller);
  }

  onResponseEnd(): void {
    this.events.push("end");
    if (this.controller !== undefined) this.#on.end?.(this.controller);
    this.#end();
  }

  onResponseError(_controller: ExchangeController, error: unknown): void {
    this.events.push("error");
    this.error = error;
    this.#end();
  }
}

const get: OutgoingRequest = { method: "GET", path: "/", headers: {} };
const response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const responseEvents = ["start", "began", "200", "end"];

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

function ask(
  { client }: Ends,
  request: Partial<OutgoingRequest> = {},
  listener: RecordingListener = new RecordingListener(),
): RecordingListener {
  client.dispatch({ ...get, ...request }, listener);
  return listener;
}

/** Runs a first exchange that succeeds. */
async function warmUp(at: Ends): Promise<void> {
  const first = ask(at);
  await until(() => at.read().endsWith("\r\n\r\n"));
  at.server.write(response);
  await first.ended;
  assert.deepEqual(first.events, responseEvents);
}

for (const shared of [true, false]) {
  const how = shared ? "into a shared buffer" : "into its own buffers";

  test(`sends requests one after another on a socket that reads ${how}, and keeps earlier bodies intact`, async () => {
    await using at = await ends({ shared });
    const bodies: RecordingListener[] = [];
    for (const letter of ["a", "b", "c"]) {
      const listener = ask(at, {}, new RecordingListener({}, letter !== "b"));
      bodies.push(listener);
      await until(
        () => at.read().split("GET").length === bodies.length + 1 && at.read().endsWith("\r\n\r\n"),
      );
      at.server.write(`HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n${letter.repeat(1_000)}`);
      await until(() => listener.body.length === 1_000);
      at.server.write(letter.repeat(2_000));
      await listener.ended;
    }

    assert.deepEqual(
      bodies.map(({ body }) => body),
      ["a", "b", "c"].map((letter) => letter.repeat(3_000)),
    );
    assert.equal(at.retired(), false);
  });

  test(`delivers nothing while paused on a socket that reads ${how}`, async () => {
    await using at = await ends({ shared });
    const listener = ask(at, {}, new RecordingListener({ data: (controller) => controller.pause() }));
    await until(() => at.read() !== "");
    at.server.write("HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n");
    at.server.write("x".repeat(8_000_000));
    await until(() => at.server.writableLength > 0 && listener.body !== "");
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));

    assert.ok(listener.body.length <= 2 * 64 * 1024, `${listener.body.length} bytes came`);
    while (!listener.events.includes("end")) {
      listener.controller?.resume();
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(listener.body.length, 8_000_000);
  });
}

/** Requests 8 MB, and returns the sizes of the pieces. They are read when the buffers of the system are full. */
async function pieceSizes(at: Ends, bodyMemory?: RecycledMemory): Promise<readonly number[]> {
  const sizes: number[] = [];
  let received = 0;
  const listener = new RecordingListener(
    {
      data: (controller) => {
        if (received === 0) controller.pause();
        sizes.push(listener.bytes - received);
        received = listener.bytes;
      },
    },
    false,
  );
  const asked = at.read().length;
  ask(at, {}, bodyMemory === undefined ? listener : Object.assign(listener, { bodyMemory }));
  await until(() => at.read().length > asked && at.read().endsWith("\r\n\r\n"));
  at.server.write("HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n");
  at.server.write("x".repeat(8_000_000));
  await until(() => at.server.writableLength > 0 && received > 0);
  listener.controller?.resume();
  await listener.ended;
  assert.equal(received, 8_000_000);
  return sizes;
}

test("a body with memory of its own comes in pieces of up to 512 KiB, and any other in pieces of up to 64 KiB", async () => {
  await using at = await ends();

  const large = await pieceSizes(at, new RecycledMemory());
  const [, ...small] = await pieceSizes(at);

  assert.ok(Math.max(...large) > 128 * 1024, `The largest piece has ${Math.max(...large)} bytes`);
  assert.ok(Math.max(...large) <= 512 * 1024);
  assert.ok(Math.max(...small) <= 64 * 1024, `The largest piece has ${Math.max(...small)} bytes`);
});

test("unexpected bytes before the next request close the connection, and the request does not start", async () => {
  await using at = await ends();
  await warmUp(at);
  at.server.write(response);
  await until(() => at.server.writableLength === 0);

  const next = ask(at);
  await next.ended;

  assert.deepEqual(next.events, ["error"]);
  assert.ok(next.error instanceof ConnectionEnded);
  assert.equal(at.read().split("GET").length, 2);
});

test("bytes after a response close the connection, which accepts no further request", async () => {
  await using at = await ends();
  const first = ask(at, {}, new RecordingListener({ end: () => assert.equal(at.retired(), true) }));
  await until(() => at.read() !== "");
  at.server.write(`${response}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray`);
  await first.ended;

  assert.deepEqual([first.events, first.body], [responseEvents, "hi"]);
  await once(at.socket, "close");
});

test("a received FIN is noticed before the next request goes out", async () => {
  await using at = await ends();
  await warmUp(at);
  at.server.end();
  await once(at.server, "finish");

  const next = ask(at);
  await next.ended;

  assert.deepEqual(next.events, ["error"]);
});

test("a stream is not read when the connection ends before the request goes out", async () => {
  await using at = await ends();
  await warmUp(at);
  at.server.destroy();
  const body = Readable.from([Buffer.from("once")]);

  const next = ask(at, { method: "POST", body });
  await next.ended;

  assert.deepEqual([next.events, body.destroyed, body.readableDidRead], [["error"], false, false]);
});

test("a request on a closed connection fails asynchronously", async () => {
  await using at = await ends();
  at.socket.destroy();
  await once(at.socket, "close");

  const late = ask(at);
  assert.deepEqual(late.events, []);
  await late.ended;

  assert.ok(late.error instanceof ConnectionEnded);
});

test("a request aborted in onRequestStart is not written", async () => {
  await using at = await ends();
  const off = new Error("off");
  const body = Readable.from([Buffer.from("once")]);
  const listener = ask(
    at,
    { method: "POST", body },
    new RecordingListener({ start: (controller) => controller.abort(off) }),
  );

  await once(at.server, "end");

  assert.deepEqual([listener.events, listener.error, at.read()], [["start", "error"], off, ""]);
  assert.deepEqual([body.destroyed, body.readableDidRead], [false, false]);
});

test("an aborted exchange receives no further events", async () => {
  await using at = await ends();
  const listener = ask(
    at,
    {},
    new RecordingListener({ data: (controller) => controller.abort(new Error("enough")) }),
  );
  await until(() => at.read() !== "");
  at.server.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  await once(at.socket, "close");

  assert.deepEqual([listener.events, listener.body], [["start", "began", "200", "error"], "a"]);
});

test("a malformed response closes the connection", async () => {
  await using at = await ends();
  const listener = ask(at);
  await until(() => at.read() !== "");
  at.server.write("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n");
  await listener.ended;

  assert.ok(listener.error instanceof MalformedResponse);
  await once(at.server, "end");
});

test("an unsendable request leaves the connection usable", async () => {
  await using at = await ends();

  const wrong = ask(at, { headers: { "a\r\nb": "c" } });

  assert.ok(wrong.error instanceof UnsendableRequest);
  await warmUp(at);
  assert.equal(at.retired(), false);
});

test("a stream without a length goes out chunked, without empty pieces", async () => {
  await using at = await ends();
  const body = Readable.from([Buffer.from("hello"), Buffer.alloc(0), Buffer.alloc(20, "x")]);
  const listener = ask(at, { method: "POST", body });
  await until(() => at.read().endsWith("0\r\n\r\n"));
  at.server.write(response);
  await listener.ended;

  const [, sent] = at.read().split("\r\n\r\n5\r\n");
  assert.match(at.read(), /\r\ntransfer-encoding: chunked\r\n\r\n5\r\n/);
  assert.equal(sent, `hello\r\n14\r\n${"x".repeat(20)}\r\n0\r\n\r\n`);
  assert.deepEqual([listener.events, listener.sent, at.retired()], [responseEvents, 2, false]);
});

test("an empty stream is sent as a body of length 0", async () => {
  await using at = await ends();
  ask(at, { method: "POST", body: Readable.from([]) });
  await until(() => at.read().endsWith("\r\n\r\n"));

  assert.match(at.read(), /\r\ncontent-length: 0\r\n\r\n$/);
});

const lengths = [
  ["longer", 4],
  ["shorter", 6],
] as const;
for (const [what, declared] of lengths) {
  test(`a stream that is ${what} than its Content-Length fails the request`, async () => {
    await using at = await ends();
    const body = Readable.from([Buffer.from("hel"), Buffer.from("lo")]);
    const listener = ask(at, { method: "POST", body, headers: { "content-length": String(declared) } });
    await listener.ended;
    await once(at.server, "end");

    assert.ok(listener.error instanceof UnsendableRequest);
    assert.ok((at.read().split("\r\n\r\n")[1] ?? "").length <= declared);
    assert.equal(body.destroyed, true);
  });
}

test("reports to a body when the socket has taken its pieces", async () => {
  await using at = await ends();
  const events: string[] = [];
  async function* pieces(): AsyncGenerator<Buffer> {
    for (const piece of ["first", "second"]) {
      events.push(piece);
      yield Buffer.alloc(100_000, piece);
    }
  }
  const body = Object.assign(pieces(), {
    destroy: () => undefined,
    piecesSent: () => void events.push("sent"),
  });
  ask(at, { method: "POST", body, headers: { "content-length": "200000" } });
  await until(() => events.length === 4);

  assert.deepEqual(events, ["first", "sent", "second", "sent"]);
});

test("the error of a stream fails the request", async () => {
  await using at = await ends();
  const broken = new Error("the disk is gone");
  async function* pieces(): AsyncGenerator<Buffer> {
    yield Buffer.from("some");
    throw broken;
  }
  const listener = ask(at, { method: "POST", body: Readable.from(pieces()) });
  await listener.ended;

  assert.equal(listener.error, broken);
  await once(at.server, "end");
});

test("reads only as much of a body as the socket takes", async () => {
  await using at = await ends();
  at.server.pause();
  let made = 0;
  function* pieces(): Generator<Buffer> {
    for (; made < 1_000; made += 1) yield Buffer.alloc(64 * 1024);
  }
  const listener = ask(at, {
    method: "POST",
    body: pieces(),
    headers: { "content-length": String(1_000 * 64 * 1024) },
  });
  await until(() => at.socket.writableNeedDrain);
  const held = made;
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));

  assert.ok(made < 500 && made <= held + 100, `${made} pieces were made`);
  at.server.resume();
  await until(() => made === 1_000);
  at.server.write(response);
  await listener.ended;
  assert.deepEqual(listener.events, responseEvents);
});

test("accepts a response before the end of the request body and drops the rest", async () => {
  await using at = await ends();
  const body = new Readable({ read: () => undefined });
  body.push("some");
  const listener = ask(at, { method: "POST", body });
  await until(() => at.read().includes("some"));
  at.server.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nhi");
  await listener.ended;

  assert.deepEqual([listener.events, listener.body], [["start", "began", "413", "end"], "hi"]);
  assert.deepEqual([body.destroyed, at.retired()], [true, true]);
});

const doubtful: readonly (readonly [what: string, request: Partial<OutgoingRequest>, head: string])[] = [
  ["HEAD with a length", { method: "HEAD" }, "200 OK\r\nContent-Length: 62\r\n"],
  ["HEAD with chunks", { method: "HEAD" }, "200 OK\r\nTransfer-Encoding: chunked\r\n"],
  ["a 304 with a length", {}, "304 Not Modified\r\nContent-Length: 62\r\n"],
  ["DELETE with a body", { method: "DELETE", body: "x" }, "200 OK\r\nContent-Length: 0\r\n"],
  ["GET with a stream", { body: Readable.from(["x"]) }, "204 No Content\r\n"],
];
const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

for (const [what, request, head] of doubtful) {
  const body = (): Partial<OutgoingRequest> =>
    request.body instanceof Readable ? { ...request, body: Readable.from(["x"]) } : request;

  test(`${what}: the connection is used again when nothing follows the head`, async () => {
    await using at = await ends();
    for (let count = 1; count <= 3; count += 1) {
      const listener = ask(at, body());
      await until(() => at.read().split(" HTTP/1.1\r\n").length === count + 1 && /\r\n\r\n/.test(at.read()));
      at.server.write(`HTTP/1.1 ${head}\r\n`);
      await listener.ended;
      assert.equal(listener.events.at(-1), "end");
    }
    await warmUp({ ...at, read: () => at.read().slice(at.read().lastIndexOf("GET")) });

    assert.equal(at.retired(), false);
  });

  test(`${what}: a response behind the head is never that of the next request`, async () => {
    for (const isSeparate of [false, true]) {
      await using at = await ends();
      const first = ask(at, body());
      await until(() => at.read().includes("\r\n\r\n"));
      const bytes = `HTTP/1.1 ${head}\r\n`;
      at.server.write(isSeparate ? bytes : bytes + poison);
      if (isSeparate) at.server.write(poison);
      await first.ended;
      const next = ask(at);
      await next.ended;

      assert.deepEqual([first.events.at(-1), first.body, next.events, next.body], ["end", "", ["error"], ""]);
    }
  });

  test(`${what}: a response of HTTP/1.0 ends the connection`, async () => {
    await using at = await ends();
    const listener = ask(at, body());
    await until(() => at.read().includes("\r\n\r\n"));
    at.server.write(`HTTP/1.0 ${head}Connection: keep-alive\r\n\r\n`);
    await listener.ended;

    assert.deepEqual([listener.events.at(-1), at.retired()], ["end", true]);
  });
}

test("bytes that arrive shortly before the connection becomes idle are never the next response", async () => {
  await using at = await ends();
  const first = ask(at);
  await until(() => at.read() !== "");
  at.server.write(response);
  await first.ended;
  // Two turns of the loop after the response the connection is about to become idle.
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  at.server.write(poison);

  const next = ask(at);
  await next.ended;

  assert.deepEqual([next.events, next.body], [["error"], ""]);
});

test("bytes that arrive while the connection is idle close it", async () => {
  await using at = await ends();
  await warmUp(at);
  await until(() => at.socket.timeout === 4_000);

  at.server.write(poison);
  await once(at.socket, "close");

  const next = ask(at);
  await next.ended;
  assert.deepEqual(next.events, ["error"]);
});

const slips: readonly (readonly [what: string, response: string])[] = [
  ["a bare LF in the head", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi"],
  ["a folded field", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nhi"],
  ["a malformed field", "HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 2\r\n\r\nhi"],
  ["two equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi"],
  ["an empty line before the status line", `\r\n${response}`],
  ["a control character in the reason phrase", "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nhi"],
  ["Connection: close in an interim response", `HTTP/1.1 103 Early\r\nConnection: close\r\n\r\n${response}`],
  ["a slip in an interim response", `HTTP/1.1 103 Early\n\n${response}`],
  [
    "a malformed chunk extension",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;=\r\nhi\r\n0\r\n\r\n",
  ],
  ["chunked twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"],
  ["the coding identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi"],
];

for (const [what, text] of slips) {
  test(`after a response with ${what} the connection is not used again`, async () => {
    await using at = await ends();
    const listener = ask(at);
    await until(() => at.read() !== "");
    at.server.write(Buffer.from(text, "latin1"));
    await listener.ended;

    assert.deepEqual([listener.events.at(-1), listener.body, at.retired()], ["end", "hi", true]);
  });
}

test("an idle connection closes after the server's keep-alive limit or the default one", async () => {
  await using at = await ends();
  assert.equal(at.socket.timeout, 4_000);
  await warmUp(at);
  await until(() => at.socket.timeout === 4_000);

  const next = ask(at);
  assert.equal(at.socket.timeout, 0);
  at.socket.emit("timeout");
  assert.equal(at.socket.destroyed, false);
  await until(() => at.read().split("GET").length === 3);
  at.server.write("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=9\r\nContent-Length: 0\r\n\r\n");
  await next.ended;
  await until(() => at.socket.timeout === 7_000);

  at.socket.emit("timeout");
  assert.equal(at.socket.destroyed, true);
});
