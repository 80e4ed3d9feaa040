import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadTimeoutError } from "./errors.ts";
import type { IdempotencyKey } from "./idempotency.ts";
import type { RequestOptions } from "./session-options.ts";
import type { ScriptedEntry } from "./testing/scripted-adapter.ts";
import { failureOf, scripted } from "./testing/scripted-session.ts";

const url = "https://a.test/orders";
const silence: ScriptedEntry = { error: new ReadTimeoutError("a.test", 1, "headers") };

async function keysSent(
  script: readonly ScriptedEntry[],
  options: RequestOptions,
): Promise<readonly unknown[]> {
  const { session, adapter } = scripted(script);
  await session.post(url, { body: "order", ...options }).catch(() => undefined);
  return adapter.requests.map(({ headers }) => headers["idempotency-key"]);
}

const keys: readonly (readonly [what: string, options: RequestOptions, sent: RegExp])[] = [
  ["a text", { idempotencyKey: "k-1" }, /^k-1$/],
  ["a new random one", { idempotencyKey: "auto" }, /^[\da-f-]{36}$/],
  [
    "a function of the request",
    { idempotencyKey: ({ method, url: { pathname } }) => `${method} ${pathname}` },
    /^POST \/orders$/,
  ],
  ["one in the headers", { headers: { "Idempotency-Key": "own" } }, /^own$/],
  [
    "an option over one in the headers",
    { headers: { "Idempotency-Key": "own" }, idempotencyKey: "k-1" },
    /^k-1$/,
  ],
];

for (const [what, options, sent] of keys) {
  test(`with ${what}, a POST that may have arrived goes again under the same key`, async () => {
    const [first, ...others] = await keysSent([silence, { status: 503 }, {}], options);

    assert.match(String(first), sent);
    assert.deepEqual(others, [first, first]);
  });
}

test("without a key, a POST that may have arrived is not sent again", async () => {
  assert.deepEqual(await keysSent([silence, {}], {}), [undefined]);
});

test("two calls have two keys", async () => {
  const { session, adapter } = scripted([{}]);

  await session.post(url, { idempotencyKey: "auto" });
  await session.post(url, { idempotencyKey: "auto" });

  assert.equal(new Set(adapter.requests.map(({ headers }) => headers["idempotency-key"])).size, 2);
});

const hops: readonly (readonly [status: number, kept: boolean])[] = [
  [301, false],
  [302, false],
  [303, false],
  [307, true],
  [308, true],
];

for (const [status, kept] of hops) {
  test(`after a ${status} the key ${kept ? "goes on with the method" : "is left with the method"}`, async () => {
    const sent = await keysSent([{ status, headers: { location: "/next" } }, {}], { idempotencyKey: "k-1" });

    assert.deepEqual(sent, ["k-1", kept ? "k-1" : undefined]);
  });
}

test("after a 307 the key still lets a POST go again", async () => {
  const sent = await keysSent([{ status: 307, headers: { location: "/next" } }, silence, {}], {
    idempotencyKey: "auto",
  });

  assert.deepEqual([sent.length, new Set(sent).size], [3, 1]);
});

const empty: readonly IdempotencyKey[] = ["", () => ""];

for (const key of empty) {
  test(`an empty key ${typeof key === "function" ? "of a function" : "by itself"} is refused`, async () => {
    const { session, adapter } = scripted([{}]);

    const error = await failureOf(session.post(url, { idempotencyKey: key }));

    assert.deepEqual([error instanceof RangeError, adapter.requests.length], [true, 0]);
  });
}

test("a key does not make a stream that was sent sendable again", async () => {
  const { session, adapter } = scripted([silence, {}]);

  const error = await failureOf(session.post(url, { body: new Blob(["x"]).stream(), idempotencyKey: "k" }));

  assert.deepEqual([error["code"], adapter.requests.length], ["ERR_BODY_NOT_REPLAYABLE", 1]);
});
