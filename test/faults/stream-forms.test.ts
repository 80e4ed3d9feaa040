import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { createGzip, gunzipSync } from "node:zlib";
import type { Session, StreamedResponse } from "@holdfast/http";
import {
  cut,
  endlessBody,
  faultOrigin,
  ranged,
  respond,
  type Reply,
  type Script,
} from "@holdfast/http/testing";
import { waitUntil } from "../support/holdfast.ts";
import { sessionFor } from "./scenario.ts";

const body = Buffer.alloc(3_000_000, "0123456789abcdef");
const strong = { etag: '"1"' };
const whole = respond(200, { headers: strong, body });
const stop = new Error("The user pressed stop");

interface Setting extends AsyncDisposable {
  readonly origin: Awaited<ReturnType<typeof faultOrigin>>;
  readonly session: Session;
  get(): Promise<StreamedResponse>;
}

async function setting(script: Reply | Script): Promise<Setting> {
  const origin = await faultOrigin({ routes: { "/": script } });
  const session = await sessionFor({ retry: { total: 2, backoffFactor: "1ms" } });
  return {
    origin,
    session,
    get: () => session.get(`${origin.url}/`, { stream: true }),
    [Symbol.asyncDispose]: async () => {
      await session.close();
      await origin.close();
    },
  };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const got: Uint8Array[] = [];
  for await (const chunk of chunks) got.push(chunk);
  return Buffer.concat(got);
}

function collector(got: Uint8Array[]): WritableStream<Uint8Array> {
  return new WritableStream({ write: (chunk) => void got.push(chunk) });
}

/** Every form in which a program reads a body to its end. */
const forms: Readonly<Record<string, (response: StreamedResponse) => Promise<Buffer>>> = {
  "for await": ({ body: stream }) => collect(stream),
  "values()": ({ body: stream }) => collect(stream.values({ preventCancel: true })),
  "getReader()": async ({ body: stream }) => {
    const reader = stream.getReader();
    const got: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return Buffer.concat(got);
      got.push(value);
    }
  },
  "pipeTo()": async ({ body: stream }) => {
    const got: Uint8Array[] = [];
    await stream.pipeTo(collector(got));
    return Buffer.concat(got);
  },
  "pipeTo() a stream of Node": async ({ body: stream }) => {
    const got: Buffer[] = [];
    const sink = new Writable({ write: (chunk: Buffer, _, done) => (got.push(chunk), done()) });
    await stream.pipeTo(Writable.toWeb(sink));
    return Buffer.concat(got);
  },
  "pipeThrough()": async ({ body: stream }) =>
    gunzipSync(await collect(stream.pipeThrough(new CompressionStream("gzip")))),
  "tee()": async ({ body: stream }) => {
    const [first, second] = await Promise.all(stream.tee().map((branch) => collect(branch)));
    assert.ok(first !== undefined && second !== undefined && first.equals(second));
    return first;
  },
  "new Response()": async ({ body: stream }) => Buffer.from(await new Response(stream).arrayBuffer()),
  "readable()": (response) => collect(response.readable()),
  "readable() with events": (response) =>
    new Promise((resolve, reject) => {
      const got: Uint8Array[] = [];
      const readable = response.readable();
      readable.on("data", (chunk: Uint8Array) => got.push(chunk));
      readable.on("end", () => resolve(Buffer.concat(got))).on("error", reject);
    }),
  "pipeline(body)": async ({ body: stream }) => {
    const got: Buffer[] = [];
    const sink = new Writable({ write: (chunk: Buffer, _, done) => (got.push(chunk), done()) });
    await pipeline(stream, sink);
    return Buffer.concat(got);
  },
  "pipeline(readable())": async (response) => {
    const got: Buffer[] = [];
    const sink = new Writable({ write: (chunk: Buffer, _, done) => (got.push(chunk), done()) });
    await pipeline(response.readable(), createGzip(), sink);
    return gunzipSync(Buffer.concat(got));
  },
  "Readable.fromWeb()": ({ body: stream }) => collect(Readable.fromWeb(stream)),
  "bytes()": async (response) => Buffer.from(await response.bytes()),
};

for (const [name, read] of Object.entries(forms)) {
  test(`${name}: the body arrives complete, once, and leaves its connection to the next request`, async () => {
    await using at = await setting(whole);

    const response = await at.get();
    const got = await read(response);

    assert.ok(got.equals(body));
    await assert.rejects(async () => collect(response.body), /can be read once/);
    await assert.rejects(response.text(), /can be read once/);
    assert.throws(() => response.readable(), /can be read once/);
    assert.ok((await (await at.get()).bytes()).length === body.length);
    assert.equal(at.origin.connections, 1);
  });

  test(`${name}: the body continues after an interruption`, async () => {
    const cutAt = 100_000;
    await using at = await setting([cut(whole, { atBody: cutAt }), ranged({ body, ...strong })]);

    const got = await read(await at.get());

    assert.ok(got.equals(body));
    assert.equal(at.origin.requests[1]?.headers["range"], `bytes=${cutAt}-`);
  });

  test(`${name}: an incomplete body fails with its own error`, async () => {
    await using at = await setting(cut(respond(200, { body }), { atBody: 100_000 }));

    const response = await at.get();

    await assert.rejects(read(response), { code: "ERR_INCOMPLETE_BODY" });
  });

  test(`${name}: response.cancel ends a body that is being read with its reason`, async () => {
    await using at = await setting(endlessBody(200, { every: 5 }));
    const response = await at.get();
    setTimeout(() => response.cancel(stop), 50);

    await assert.rejects(read(response), stop);

    await waitUntil("the connection is closed", () => at.origin.openConnections === 0);
  });
}

test("the body of a streamed response is a web stream, which its readers lock", async () => {
  await using at = await setting(whole);
  const response = await at.get();
  assert.ok(response.body instanceof ReadableStream);
  assert.equal(response.body.locked, false);

  const iterator = response.body[Symbol.asyncIterator]();

  assert.equal(response.body.locked, true);
  assert.throws(() => response.body.getReader(), TypeError);
  assert.throws(() => response.body.tee(), TypeError);
  assert.throws(() => new Response(response.body), TypeError);
  await assert.rejects(response.body.pipeTo(new WritableStream()), TypeError);
  await iterator.return?.();
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
});

test("disposing a response after its web stream failed does nothing", async () => {
  await using at = await setting(cut(respond(200, { body }), { atBody: 100_000 }));
  const response = await at.get();
  await assert.rejects(response.body.pipeTo(new WritableStream()), { code: "ERR_INCOMPLETE_BODY" });

  await response[Symbol.asyncDispose]();
  await new Promise((resolve) => setImmediate(resolve));
});

test("text() of a response whose body was looked at locks the web stream, and the other way round", async () => {
  await using at = await setting(whole);
  const response = await at.get();
  assert.equal(response.body.locked, false);
  const reading = response.text();
  assert.equal(response.body.locked, true);
  await reading;
  const other = await at.get();
  await other.text();
  assert.equal(other.body.locked, true);
});

test("another reader continues where a released one stopped, and text() does not return a rest", async () => {
  await using at = await setting([whole, whole]);
  for (const rest of [
    (r: StreamedResponse) => collect(r.body),
    (r: StreamedResponse) => collect(r.readable()),
  ]) {
    const response = await at.get();
    const reader = response.body.getReader();
    const first = await reader.read();
    reader.releaseLock();

    await assert.rejects(response.text(), /can be read once/);
    assert.ok(Buffer.concat([first.value ?? Buffer.of(), await rest(response)]).equals(body));
  }
});

test("the body is written to a file by streams of both kinds", async () => {
  const folder = await mkdtemp(join(tmpdir(), "forms-"));
  const file = join(folder, "body");
  try {
    await using at = await setting(whole);
    for (const save of [
      async (response: StreamedResponse) => pipeline(response.body, createWriteStream(file)),
      async (response: StreamedResponse) => pipeline(response.readable(), createWriteStream(file)),
      async (response: StreamedResponse) => response.body.pipeTo(Writable.toWeb(createWriteStream(file))),
    ]) {
      await save(await at.get());
      assert.ok((await readFile(file)).equals(body));
      await rm(file);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a failed writer closes the connection of the body", async () => {
  const full = new Error("The disk is full");
  const fail = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done(full) });
  for (const write of [
    (response: StreamedResponse) => pipeline(response.body, fail()),
    (response: StreamedResponse) => pipeline(response.readable(), fail()),
    (response: StreamedResponse) => response.body.pipeTo(Writable.toWeb(fail())),
  ]) {
    await using at = await setting(endlessBody());

    await assert.rejects(write(await at.get()), full);

    await waitUntil("the connection is closed", () => at.origin.openConnections === 0);
  }
});

test("a slow reader of each form slows the server down", async () => {
  const large = respond(200, { body: Buffer.alloc(30_000_000, "x") });
  for (const first of [
    async (response: StreamedResponse) => void (await response.body.getReader().read()),
    (response: StreamedResponse) => new Promise((resolve) => response.readable().once("readable", resolve)),
    async (response: StreamedResponse) =>
      void response.body
        .pipeTo(new WritableStream({ write: () => new Promise(() => undefined) }))
        .catch(() => undefined),
    async (response: StreamedResponse) => void (await response.body.tee()[0].getReader().read()),
  ]) {
    await using at = await setting(large);
    const response = await at.get();

    await first(response);
    await new Promise((resolve) => setTimeout(resolve, 200));

    // The server could send no more than the kernel buffers of both sides.
    assert.equal(at.origin.requests[0]?.endedAt, undefined);
    response.cancel();
  }
});
