import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { isFailure, type RequestOptions, type Session, type StreamedResponse } from "@holdfast/http";
import {
  chunked,
  cut,
  drip,
  echo,
  endlessBody,
  redirect,
  respond,
  stall,
  type Reply,
  type CodingName,
  type FaultOrigin,
  type Routes,
} from "@holdfast/http/testing";
import { waitUntil } from "../support/holdfast.ts";
import { countOpen, faultOrigin, test } from "./protocol.ts";
import { bounded, sessionFor, type Scenario } from "./scenario.ts";

const text = Array.from({ length: 10_000 }, (_, line) => String(line).padStart(9, "0")).join("\n") + "\n";
const whole = respond(200, { body: text });
const codings: readonly CodingName[] = ["gzip", "deflate", "br", "zstd"];
const stop = new Error("The user pressed stop");

interface Setting extends AsyncDisposable {
  readonly origin: FaultOrigin;
  readonly session: Session;
  get(options?: RequestOptions): Promise<StreamedResponse>;
}

type Options = Omit<Scenario, "expect" | "origin">;

async function setting(answers: Reply | readonly Reply[] | Routes, options: Options = {}): Promise<Setting> {
  const routes: Routes = isScript(answers) ? { "/": answers } : answers;
  const origin = await faultOrigin({ routes });
  const session = await sessionFor(options);
  return {
    origin,
    session,
    get: (request) => session.get(`${origin.url}/`, { ...request, stream: true }),
    [Symbol.asyncDispose]: async () => {
      await session.close();
      await origin.close();
    },
  };
}

function isScript(answers: Reply | readonly Reply[] | Routes): answers is Reply | readonly Reply[] {
  return Array.isArray(answers);
}

/** Reads a body to its end or its error. */
async function read(response: StreamedResponse): Promise<{ text: string; error: Error | undefined }> {
  const decoder = new TextDecoder();
  let read = "";
  try {
    for await (const piece of response.body) read += decoder.decode(piece, { stream: true });
    return { text: read, error: undefined };
  } catch (error) {
    assert.ok(error instanceof Error);
    return { text: read, error };
  }
}

function code(error: Error | undefined): unknown {
  return error === undefined ? undefined : Reflect.get(error, "code");
}

test(`the response resolves before its body, and the body is complete`, async () => {
  await using at = await setting(stall(whole, { atBody: 40_000, pause: 1_000 }), {
    timeout: { read: "5s" },
  });
  const began = performance.now();

  const response = await at.get();

  bounded("milliseconds to the head", performance.now() - began, { max: 900 });
  assert.deepEqual([response.status, response.ok, response.attempts.length], [200, true, 1]);
  assert.equal(await response.text(), text);
});

test(`a body reset after any byte is incomplete, has the attempts of the call, and is not repeated`, async () => {
  const short = respond(200, { body: "0123456789" });
  for (let atBody = 0; atBody < 10; atBody += 1) {
    await using at = await setting(cut(short, { atBody }));

    const response = await at.get();
    const { text: got, error } = await read(response);

    assert.equal(got, "0123456789".slice(0, atBody));
    assert.equal(code(error), "ERR_INCOMPLETE_BODY");
    assert.ok(isFailure(error));
    assert.deepEqual(
      error.attempts.map(({ error: cause, decision }) => [cause?.code, decision]),
      [["ERR_INCOMPLETE_BODY", "not-retried: body-given-out"]],
    );
    assert.equal(response.attempts.length, 1);
    assert.equal(at.origin.requests.length, 1);
  }
});

test(`leaving the loop, cancelling and disposing drop the connection or the stream`, async () => {
  const ways: Readonly<Record<string, (response: StreamedResponse) => Promise<unknown>>> = {
    break: async ({ body }) => {
      for await (const piece of body) if (piece.length > 0) break;
    },
    cancel: async (response) => {
      const reading = read(response);
      response.cancel();
      assert.equal((await reading).error?.name, "AbortError");
    },
    "cancel with a reason": async (response) => {
      const reading = read(response);
      response.cancel(stop);
      assert.equal((await reading).error, stop);
    },
    dispose: (response) => response[Symbol.asyncDispose](),
    "the web stream's cancel": (response) => response.body.cancel(),
    "the reader's cancel": (response) => response.body.getReader().cancel(),
    "the cancel of a locked stream": (response) => {
      const reader = response.body.getReader();
      return Promise.all([
        response.body.cancel(stop),
        assert.rejects(reader.read(), stop),
        assert.rejects(reader.closed, stop),
      ]);
    },
    "destroying the stream of Node": (response) => once(response.readable().destroy(), "close"),
  };
  for (const [name, leave] of Object.entries(ways)) {
    await using at = await setting(endlessBody());
    const response = await at.get();

    await leave(response);

    await waitUntil(`${name}: the server notices`, () => countOpen(at.origin) === 0);
    assert.throws(() => response.readable(), TypeError);
  }
});

test(`the caller's abort ends a body with its reason, and leaves no listener`, async () => {
  await using at = await setting(drip(whole, { bytes: 1_000, every: 20, bodyOnly: true }));
  const caller = new AbortController();
  const response = await at.get({ signal: caller.signal });
  setTimeout(() => caller.abort(stop), 150);
  const began = performance.now();

  const { text: got, error } = await read(response);

  assert.equal(error, stop);
  assert.ok(got.length > 0 && text.startsWith(got));
  bounded("elapsed", performance.now() - began, { max: 300 });
  assert.equal(getEventListeners(caller.signal, "abort").length, 0);
  await waitUntil("the connection is closed", () => countOpen(at.origin) === 0);
});

test(`the session drops a response to be retried, however long its body is`, async () => {
  await using at = await setting([
    endlessBody(503),
    stall(respond(503, { body: text }), { atBody: 10 }),
    whole,
  ]);
  const began = performance.now();

  const response = await at.get();

  assert.equal(await response.text(), text);
  assert.deepEqual(
    response.attempts.map(({ status, decision }) => [status, decision]),
    [
      [503, "retried"],
      [503, "retried"],
      [200, "success"],
    ],
  );
  bounded("elapsed", performance.now() - began, { max: 1_000 });
  await waitUntil("the first two connections are closed", () => countOpen(at.origin) <= 1);
});

test(`silence is an error only while a reader waits`, async () => {
  await using at = await setting(stall(whole, { atBody: 40_000 }), { timeout: { read: 200 } });
  const response = await at.get();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const began = performance.now();

  const { text: got, error } = await read(response);

  assert.deepEqual([got.length, code(error)], [40_000, "ERR_READ_TIMEOUT"]);
  bounded("elapsed", performance.now() - began, { min: 195, max: 400 });
});

test(`a reader slower than the read limit receives the whole body`, async () => {
  const large = text.repeat(20);
  await using at = await setting(respond(200, { body: large }), { timeout: { read: 100 } });
  const response = await at.get();
  let got = 0;
  let pauses = 0;

  for await (const piece of response.body) {
    got += piece.length;
    if ((pauses += 1) < 4) await new Promise((resolve) => setTimeout(resolve, 250));
  }

  assert.equal(got, large.length);
});

for (const coding of codings) {
  test(`${coding} is decoded piece by piece, and a cut body is incomplete`, async () => {
    const codedBytes = 2_000;
    await using good = await setting(respond(200, { coding, body: text }));
    await using short = await setting(respond(200, { coding, body: text, codedBytes }));

    const [first, second] = [await good.get(), await short.get()];
    const [decoded, broken] = [await first.text(), await read(second)];

    assert.equal(decoded, text);
    assert.equal(code(broken.error), "ERR_INCOMPLETE_BODY");
    assert.ok(isFailure(broken.error) && broken.error.attempts.length === 1);
    assert.ok(text.startsWith(broken.text));
  });
}

test(`a body is rejected as soon as it exceeds maxBytes after decoding`, async () => {
  const bomb = respond(200, {
    headers: { "content-encoding": "gzip" },
    body: gzipSync(Buffer.alloc(100_000_000)),
  });
  for (const answer of [bomb, endlessBody()]) {
    await using at = await setting(answer);

    const { text: got, error } = await read(await at.get({ maxBytes: 500_000 }));

    assert.equal(code(error), "ERR_BODY_TOO_LARGE");
    assert.ok(got.length <= 500_000);
  }
});

test(`the limits of attempt and call apply to the last byte, read or unread`, async () => {
  for (const [timeout, expected] of [
    [{ total: 300 }, "ERR_DEADLINE"],
    [{ attempt: 300 }, "ERR_ATTEMPT_TIMEOUT"],
  ] as const) {
    await using at = await setting(drip(whole, { bytes: 100, every: 20, bodyOnly: true }), {
      timeout,
    });
    const began = performance.now();

    const [reading, unread] = [await at.get(), await at.get()];
    const { error } = await read(reading);
    const elapsed = performance.now() - began;
    await waitUntil("both connections are closed", () => countOpen(at.origin) === 0);

    assert.equal(code(error), expected);
    bounded("elapsed", elapsed, { min: 280, max: 600 });
    assert.equal(code((await read(unread)).error), expected);
  }
});

test("a body closed cleanly before its end, at any byte of its framing, is incomplete", async () => {
  const answer = chunked(200, ["hello", " ", "world"]);
  const frames = "5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n".length;
  for (let atBody = 0; atBody < frames; atBody += 1) {
    for (const end of ["fin", "rst"] as const) {
      await using at = await setting(cut(answer, { atBody, by: end }));

      const { text: got, error } = await read(await at.get());

      assert.ok("hello world".startsWith(got));
      assert.equal(code(error), "ERR_INCOMPLETE_BODY", `${end} at ${atBody}`);
    }
  }
});

test("a body delimited by its connection is complete after a FIN, and incomplete after a reset", async () => {
  const answer = respond(200, { framing: "close", body: text });
  await using good = await setting(answer);
  await using bad = await setting(cut(answer, { atBody: 40_000 }));

  const [first, second] = [await read(await good.get()), await read(await bad.get())];

  assert.deepEqual([first.text, first.error], [text, undefined]);
  assert.deepEqual([code(second.error), text.startsWith(second.text)], ["ERR_INCOMPLETE_BODY", true]);
});

test("chunks of any size, read at any pace, make the same body", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      async (sizes, slow) => {
        const large = Buffer.from(text.repeat(2));
        const pieces: Buffer[] = [];
        for (let at = 0, index = 0; at < large.length && pieces.length < 300; index += 1) {
          const size = sizes[index % sizes.length] ?? 1;
          pieces.push(large.subarray(at, (at += size)));
        }
        await using at = await setting(chunked(200, pieces));
        const got: Uint8Array[] = [];
        for await (const piece of (await at.get()).body) {
          got.push(piece);
          if (slow) await new Promise((resolve) => setImmediate(resolve));
        }
        assert.deepEqual(Buffer.concat(got), Buffer.concat(pieces));
      },
    ),
    { numRuns: 25 },
  );
});

test("a short response that is retried or redirected leaves its connection to the next request", async () => {
  await using at = await setting({
    "/": [respond(503, { body: "later\n" }), redirect("/there", 302, { body: "moved\n" })],
    "/there": whole,
  });

  const response = await at.get();

  assert.equal(await response.text(), text);
  assert.deepEqual(
    [response.url, response.history.map(({ status }) => status)],
    [`${at.origin.url}/there`, [302]],
  );
  assert.equal(at.origin.connections, 1);
});

test("a redirect with an endless body is followed quickly", async () => {
  await using at = await setting({
    "/": endlessBody(302, { headers: { location: "/there" } }),
    "/there": whole,
  });
  const began = performance.now();

  const response = await at.get();

  assert.equal(await response.text(), text);
  bounded("elapsed", performance.now() - began, { max: 400 });
  await waitUntil("the first connection is closed", () => countOpen(at.origin) <= 1);
});

test("a response that outlives its retries is returned as a stream", async () => {
  await using at = await setting(respond(503, { body: "still busy\n" }), { retry: { total: 2 } });

  const response = await at.get();

  assert.deepEqual(
    [response.status, response.attempts.length, await response.text()],
    [503, 3, "still busy\n"],
  );
});

test("the session reads the hint in a short refusal, and returns its body", async () => {
  const quota = JSON.stringify({ error: { code: "insufficient_quota" } });
  const headers = { "content-type": "application/json" };
  const inChunks = chunked(429, [quota.slice(0, 5), quota.slice(5)], { headers });
  for (const answer of [respond(429, { headers, body: quota }), inChunks]) {
    await using at = await setting(answer);

    const response = await at.get();

    assert.deepEqual(
      [response.status, response.verdict.kind, at.origin.requests.length],
      [429, "rejected", 1],
    );
    const { text: said, error } = await read(response);
    assert.deepEqual([said, error], [quota, undefined]);
  }
});

test("a refusal with a broken body is retried, and the last one breaks off for its reader", async () => {
  const refusal = respond(429, { headers: { "content-type": "application/json" }, body: '{"error":{}}' });
  await using at = await setting(cut(refusal, { atBody: 5 }), { retry: { total: 1 } });

  const response = await at.get();

  assert.deepEqual([response.status, at.origin.requests.length], [429, 2]);
  const { text: said, error } = await read(response);
  assert.deepEqual([said, code(error)], ['{"err', "ERR_INCOMPLETE_BODY"]);
});

test("a body factory is called for every attempt, and the response streams", async () => {
  const lines = ["one\n", "two\n", "three\n"];
  await using at = await setting({ "/": [respond(503), echo()] });
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (const line of lines) yield Buffer.from(line);
  };

  const response = await at.session.put(`${at.origin.url}/`, { body: () => body(), stream: true });
  await response.text();

  assert.deepEqual(
    at.origin.requests.map(({ body: got }) => got.toString()),
    [lines.join(""), lines.join("")],
  );
});
