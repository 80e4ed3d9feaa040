import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { isFailure, type AttemptRecord, type RequestOptions, type StreamedResponse } from "@holdfast/http";
import {
  cut,
  ranged,
  resetStream,
  respond,
  selfSigned,
  stall,
  type Reply,
  type FaultOrigin,
  type RecordedRequest,
  type Entry,
  type Script,
} from "@holdfast/http/testing";
import { waitUntil } from "../support/holdfast.ts";
import { body, changed, cutAt, first, good, strong } from "./broken-page.ts";
import { faultOrigin, test } from "./protocol.ts";
import { sessionFor, type Scenario } from "./scenario.ts";

const stop = new Error("The user pressed stop");

interface Setting extends AsyncDisposable {
  readonly origin: FaultOrigin;
  readonly heard: string[];
  get(options?: RequestOptions): Promise<StreamedResponse>;
}

async function setting(script: Script, options: Omit<Scenario, "expect" | "origin"> = {}): Promise<Setting> {
  const origin = await faultOrigin({ routes: { "/": script } });
  const session = await sessionFor(options);
  const heard: string[] = [];
  session.hooks.attempt.push(({ number, decision }) => void heard.push(`attempt ${number}: ${decision}`));
  session.hooks.retry.push(({ number, error }) => void heard.push(`retry after ${number}: ${error?.code}`));
  session.hooks.response.push(({ status }) => void heard.push(`response ${status}`));
  session.hooks.giveUp.push(({ decision }) => void heard.push(`give up: ${decision}`));
  session.hooks.error.push(
    (error) => void heard.push(`error: ${String(Reflect.get(Object(error), "code"))}`),
  );
  return {
    origin,
    heard,
    get: (request) => session.get(`${origin.url}/`, { ...request, stream: true }),
    [Symbol.asyncDispose]: async () => {
      await session.close();
      await origin.close();
    },
  };
}

async function read(response: StreamedResponse): Promise<{ got: Buffer; error: Error | undefined }> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of response.body) pieces.push(piece);
    return { got: Buffer.concat(pieces), error: undefined };
  } catch (error) {
    assert.ok(error instanceof Error);
    return { got: Buffer.concat(pieces), error };
  }
}

function told(attempts: readonly AttemptRecord[]): readonly unknown[] {
  return attempts.map(({ number, status, error, resumedFrom, decision }) => [
    number,
    status ?? error?.code,
    resumedFrom,
    decision,
  ]);
}

test("a broken stream continues from its position, and the hooks receive the attempt", async () => {
  await using at = await setting([first, good]);

  const response = await at.get();
  const { got, error } = await read(response);

  assert.equal(error, undefined);
  assert.ok(got.equals(body));
  assert.equal(response.status, 200);
  assert.deepEqual(told(response.attempts), [
    [1, "ERR_INCOMPLETE_BODY", undefined, "retried"],
    [2, 206, cutAt, "success"],
  ]);
  assert.deepEqual(at.heard, [
    "response 200",
    "attempt 1: success",
    "retry after 1: ERR_INCOMPLETE_BODY",
    "response 206",
    "attempt 2: success",
  ]);
  const { range, "if-range": condition } = at.origin.requests[1]?.headers ?? {};
  assert.deepEqual([range, condition], ["bytes=80000-", '"v1"']);
});

test("a stream continues over a 503 with Retry-After and a silence while retries are left", async () => {
  const until100 = (request: RecordedRequest): Reply => cut(good(request), { atBody: 20_000 });
  const silent = (request: RecordedRequest): Reply => stall(good(request), { atBody: 30_000 });
  const later = respond(503, { headers: { "retry-after": "0" } });
  await using at = await setting([first, until100, later, silent, good]);

  const response = await at.get();
  const { got, error } = await read(response);

  assert.equal(error, undefined);
  assert.ok(got.equals(body));
  assert.deepEqual(told(response.attempts), [
    [1, "ERR_INCOMPLETE_BODY", undefined, "retried"],
    [2, "ERR_INCOMPLETE_BODY", undefined, "retried"],
    [3, 503, undefined, "retried"],
    [4, "ERR_READ_TIMEOUT", undefined, "retried"],
    [5, 206, 130_000, "success"],
  ]);
});

test("the counters of the call apply to its body", async () => {
  const further = (request: RecordedRequest): Reply => cut(good(request), { atBody: 10_000 });
  await using at = await setting([respond(503), first, further], { retry: { total: 3 } });

  const response = await at.get();
  const { got, error } = await read(response);

  assert.ok(isFailure(error));
  assert.equal(Reflect.get(error, "code"), "ERR_INCOMPLETE_BODY");
  assert.equal(got.length, 100_000);
  assert.ok(got.equals(body.subarray(0, got.length)));
  assert.deepEqual(
    error.attempts.map(({ decision }) => decision),
    ["retried", "retried", "retried", "retries-exhausted"],
  );
  assert.equal(at.origin.requests.length, 4);
  assert.deepEqual(at.heard.slice(-2), ["give up: retries-exhausted", "error: ERR_INCOMPLETE_BODY"]);
});

const lies: Readonly<Record<string, Entry>> = {
  "another version": ranged({ body: changed, etag: '"v2"' }),
  "a 206 of another version": ranged(
    { body: changed, ...strong },
    {
      forge: (part) => ({
        ...part,
        headers: part.headers.map((line) => (line[0] === "etag" ? ["etag", '"v2"'] : line)),
      }),
    },
  ),
  "a 206 that begins elsewhere": ranged(
    { body, ...strong },
    {
      forge: (part) => ({
        ...part,
        headers: part.headers.map((line) =>
          line[0] === "content-range" ? ["content-range", "bytes 0-199999/200000"] : line,
        ),
      }),
    },
  ),
  "a 206 with too few bytes": ranged(
    { body, ...strong },
    { forge: (part) => ({ ...part, body: part.body.subarray(9) }) },
  ),
  "412": respond(412),
  "416": respond(416, { headers: { "content-range": "bytes */70000" } }),
  "the whole with a weak tag": respond(200, { headers: { etag: 'W/"v1"' }, body }),
  "the whole of another length under the same tag": respond(200, { headers: strong, body: body.subarray(1) }),
};

for (const [name, answer] of Object.entries(lies)) {
  test(`received bytes are never joined with ${name}: the body is incomplete, and no request follows`, async () => {
    await using at = await setting([first, answer, good]);

    const { got, error } = await read(await at.get());

    assert.ok(isFailure(error));
    assert.equal(Reflect.get(error, "code"), "ERR_INCOMPLETE_BODY");
    assert.match(String(error.cause), /cannot be resumed/);
    assert.ok(got.equals(body.subarray(0, cutAt)));
    assert.equal(at.origin.requests.length, 2);
    assert.equal(error.attempts.at(-1)?.decision, "not-retried: body-given-out");
    const { cause } = error;
    const { discarded = [] } = error.attempts.at(-1) ?? {};
    assert.match(String(cause), new RegExp(`${discarded[0]?.reason}$`));
  });
}

test("a repeated whole body with the same tag is read from the position of the break", async () => {
  await using at = await setting([first, ranged({ body, ...strong }, { ignoreRange: true })]);

  const { got, error } = await read(await at.get());

  assert.equal(error, undefined);
  assert.ok(got.equals(body));
});

for (const [name, headers] of Object.entries({ "no validator": {}, "a weak tag": { etag: 'W/"v1"' } })) {
  test(`a broken stream with ${name} is incomplete, and no request follows`, async () => {
    await using at = await setting([cut(respond(200, { headers, body }), { atBody: cutAt }), good]);

    const { got, error } = await read(await at.get());

    assert.equal(Reflect.get(Object(error), "code"), "ERR_INCOMPLETE_BODY");
    assert.equal(got.length, cutAt);
    assert.equal(at.origin.requests.length, 1);
  });
}

test("a broken encoded stream is incomplete, and no request follows", async () => {
  const coded = respond(200, { headers: strong, coding: "gzip", body });
  await using at = await setting([cut(coded, { atBody: 10_000 }), coded]);

  const { got, error } = await read(await at.get());

  assert.equal(Reflect.get(Object(error), "code"), "ERR_INCOMPLETE_BODY");
  assert.ok(got.equals(body.subarray(0, got.length)));
  assert.equal(at.origin.requests.length, 1);
});

test("the caller's abort and a cancel end the wait for the next attempt, and leave no listener", async () => {
  const slow = { retry: { total: 3, backoffFactor: "1ms" } } as const;
  const later = respond(503, { headers: { "retry-after": "60" } });
  const ways: Readonly<Record<string, (response: StreamedResponse, caller: AbortController) => void>> = {
    abort: (_response, caller) => caller.abort(stop),
    cancel: (response) => response.cancel(stop),
  };
  for (const [name, end] of Object.entries(ways)) {
    await using at = await setting([first, cut(later, { atBody: 0 }), good], slow);
    const caller = new AbortController();
    const response = await at.get({ signal: caller.signal });
    const reading = read(response);
    await waitUntil(`${name}: the first retry has failed`, () => at.origin.requests.length === 2);
    await waitUntil(`${name}: the second is waited for`, () =>
      at.heard.some((line) => line === "retry after 2: undefined"),
    );

    end(response, caller);
    const { got, error } = await reading;

    assert.equal(error, stop);
    assert.equal(got.length, cutAt);
    // The rest of the refusal may still be on its way.
    await waitUntil("no listener is left", () => getEventListeners(caller.signal, "abort").length === 0);
    assert.equal(at.origin.requests.length, 2);
  }
});

test("the deadline of the call applies to the continued body", async () => {
  await using at = await setting([first, (request) => stall(good(request), { atBody: 10 })], {
    timeout: { total: "700ms", read: "30s" },
  });

  const { got, error } = await read(await at.get());

  assert.equal(Reflect.get(Object(error), "code"), "ERR_DEADLINE");
  assert.ok(got.equals(body.subarray(0, got.length)));
});

test("a slow reader slows the continued body down", async () => {
  const large = Buffer.alloc(30_000_000, "0123456789");
  const start = cut(respond(200, { headers: strong, body: large }), { atBody: 1_000 });
  await using at = await setting([start, ranged({ body: large, ...strong })]);
  const response = await at.get();
  const reader = response.body.getReader();
  for (let got = 0; got <= 1_000;) got += (await reader.read()).value?.length ?? 0;

  await new Promise((resolve) => setTimeout(resolve, 300));

  // The server could send no more than the kernel buffers of both sides.
  const unread = at.origin.requests[1];
  assert.equal(unread?.endedAt, undefined);
  await reader.cancel();
});

test("over HTTP/2 a reset stream continues with a 206", async () => {
  const reset: Reply = [...first.slice(0, -1), ...resetStream()];
  await using origin = await faultOrigin({ routes: { "/": [reset, good] }, tls: selfSigned(), http2: true });
  await using session = await sessionFor({ adapter: { http2: true, tls: { rejectUnauthorized: false } } });

  const { got, error } = await read(await session.get(`${origin.url}/`, { stream: true }));

  assert.equal(error, undefined);
  assert.ok(got.equals(body));
});
