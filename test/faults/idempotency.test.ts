import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { refusedPort, reset, respond, withoutReading } from "@holdfast/http/testing";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { faultOrigin, test, urlAt } from "./protocol.ts";
import { outcomeOf, scenarios, sessionFor } from "./scenario.ts";

const done = respond(200, { body: "done\n" });
const busy = respond(503, { body: "busy\n" });
const came = { status: 200, body: "done\n" } as const;
const content = "0123456789".repeat(6_000);
const bytes = new TextEncoder().encode(content);

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 7_000) yield bytes.subarray(at, at + 7_000);
}

scenarios({
  "idempotency.patch-503-once": {
    origin: { routes: { "/": busy } },
    method: "PATCH",
    request: { body: "x" },
    expect: { outcome: "either", status: 503, attempts: 1 },
  },
  "idempotency: a POST that may have arrived is not repeated after a reset": {
    origin: { routes: { "/": [reset(), done] } },
    method: "POST",
    request: { body: "x" },
    expect: { error: { code: "ERR_CONNECTION", mayHaveArrived: true }, attempts: 1 },
  },
  "idempotency: a POST is not repeated after a read timeout": {
    origin: { routes: { "/": [[{ end: "hang" }], done] } },
    method: "POST",
    request: { body: "x" },
    expect: { error: { code: "ERR_READ_TIMEOUT", mayHaveArrived: true }, attempts: 1 },
  },
  "idempotency.post-key-optin": {
    origin: { routes: { "/": [busy, reset(), done] } },
    method: "POST",
    request: { body: "fourteen bytes", idempotencyKey: "the-key" },
    expect: { ...came, attempts: 3, requestBody: "fourteen bytes" },
  },
  "idempotency.put-retried": {
    origin: { routes: { "/": [reset(), busy, done] } },
    method: "PUT",
    request: { body: "fourteen bytes" },
    expect: { ...came, attempts: 3, requestBody: "fourteen bytes" },
  },
  "idempotency.replay-buffer": {
    origin: { routes: { "/": [busy, busy, done] } },
    method: "PUT",
    request: { body: bytes },
    expect: { ...came, attempts: 3, requestBody: content },
  },
  "idempotency.replay-stream-factory": {
    origin: { routes: { "/": [busy, busy, done] } },
    method: "PUT",
    request: { body: pieces },
    expect: { ...came, attempts: 3, requestBody: content },
  },
  "idempotency: a body factory creates another stream after a reset": {
    origin: { routes: { "/": [reset(), reset(), done] } },
    method: "PUT",
    request: { body: pieces },
    expect: { ...came, attempts: 3, requestBody: content },
  },
  "idempotency: an early 2xx response ends the upload": {
    origin: {
      routes: {
        "/": withoutReading(respond(200, { body: "done\n", headers: { connection: "close" } }), 1_000),
      },
    },
    method: "PUT",
    request: { body: pieces },
    expect: { outcome: "either", ...came },
  },
});

test("idempotency.post-refused-retried", async () => {
  const port = await refusedPort();
  await using session = await sessionFor({ retry: { backoffFactor: "50ms" } });

  const call = outcomeOf(session.post(`${urlAt(port)}/`, { body: "order" }));
  await using origin = await new Promise<ReturnType<typeof faultOrigin>>((resolve) =>
    setTimeout(() => resolve(faultOrigin({ port, routes: { "/": done } })), 150),
  );

  assert.equal((await call).response?.status, 200);
  assert.deepEqual(
    origin.requests.map(({ body }) => body.toString()),
    ["order"],
  );
});

test("idempotency.post-key-auto: all attempts of a call have the same key, and each call has another", async () => {
  await using origin = await faultOrigin({ routes: { "/": [busy, busy, busy, done] } });
  await using session = await sessionFor();

  await session.post(`${origin.url}/`, { body: "x", idempotencyKey: "auto" });
  await session.post(`${origin.url}/`, { body: "x", idempotencyKey: "auto" });

  const keys = origin.requests.map(({ headers }) => headers["idempotency-key"] ?? "");
  assert.equal(keys.length, 5);
  assert.equal(new Set(keys.slice(0, 4)).size, 1);
  assert.notEqual(keys[0], keys[4]);
  assert.match(keys[0] ?? "", /.{16,}/);
});

test("idempotency.replay-form: every attempt sends the complete multipart body", async () => {
  const form = new FormData();
  form.set("name", "value");
  form.set("file", new File([bytes], "big.txt"));
  await using origin = await faultOrigin({ routes: { "/": [busy, done] } });
  await using session = await sessionFor();

  const { response } = await outcomeOf(session.put(`${origin.url}/`, { body: form }));

  const [first, second] = origin.requests.map(({ body, headers }) => ({
    body,
    type: headers["content-type"],
  }));
  assert.equal(response?.status, 200);
  assert.ok(first?.body.includes(content));
  assert.deepEqual(first, second);
});

for (const [name, first] of [
  ["503", busy],
  ["reset", reset()],
] as const) {
  test(`idempotency.one-shot-${name}: a used stream is never sent empty`, async () => {
    await using origin = await faultOrigin({ routes: { "/": [first, done] } });
    await using session = await sessionFor();

    const { response, error } = await outcomeOf(session.put(`${origin.url}/`, { body: pieces() }));

    assert.ok(response?.status === 503 || Reflect.get(error ?? {}, "code") === "ERR_BODY_NOT_REPLAYABLE");
    assert.deepEqual(
      origin.requests.map(({ body }) => body.toString() === content),
      [true],
    );
  });
}

test("idempotency: a later attempt sends a stream that was not read yet", async () => {
  const port = await refusedPort();
  await using session = await sessionFor({ retry: { backoffFactor: "50ms" } });

  const call = outcomeOf(session.put(`${urlAt(port)}/`, { body: pieces() }));
  await using origin = await new Promise<ReturnType<typeof faultOrigin>>((resolve) =>
    setTimeout(() => resolve(faultOrigin({ port, routes: { "/": done } })), 150),
  );

  assert.equal((await call).response?.status, 200);
  assert.deepEqual(
    origin.requests.map(({ body }) => body.toString() === content),
    [true],
  );
});

test("idempotency: a body factory is not called for a failed connection, and its streams are closed", async () => {
  await using directory = await temporaryDirectory("upload");
  const file = join(directory.path, "upload.txt");
  await writeFile(file, content);
  const streams: ReturnType<typeof createReadStream>[] = [];
  const body = (): ReturnType<typeof createReadStream> => {
    const stream = createReadStream(file);
    streams.push(stream);
    return stream;
  };
  await using origin = await faultOrigin({ routes: { "/": [reset(), busy, done] } });
  await using session = await sessionFor();

  await outcomeOf(session.put(`http://127.0.0.1:${await refusedPort()}/`, { body }));
  const openedInVain = streams.length;
  const { response } = await outcomeOf(session.put(`${origin.url}/`, { body }));

  assert.equal(response?.status, 200);
  assert.deepEqual([openedInVain, streams.length], [0, 3]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(streams.every(({ destroyed }) => destroyed));
});

test("idempotency: an error of the caller's stream is thrown unchanged and not retried", async () => {
  const broken = new Error("the disk is gone");
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 100);
    throw broken;
  }
  await using origin = await faultOrigin({ routes: { "/": done } });
  await using session = await sessionFor();

  for (const body of [failing, failing()]) {
    const { error } = await outcomeOf(session.put(`${origin.url}/`, { body }));
    assert.equal(error, broken);
  }
  const { error } = await outcomeOf(
    session.put(`${origin.url}/`, {
      body: () => {
        throw broken;
      },
    }),
  );
  assert.equal(error, broken);
});
