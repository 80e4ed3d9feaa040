import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadTimeoutError } from "../errors/transport-errors.ts";
import type { IdempotencyKey } from "./idempotency.ts";
import type { RequestOptions } from "./options.ts";
import type { ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";

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
  ["a key", { idempotencyKey: "k-1" }, /^k-1$/],
  ["a random key", { idempotencyKey: "auto" }, /^[\da-f-]{36}$/],
  [
    "a key from a function",
    { idempotencyKey: ({ method, url: { pathname } }) => `${method} ${pathname}` },
    /^POST \/orders$/,
  ],
  ["a key in the headers", { headers: { "Idempotency-Key": "own" } }, /^own$/],
  [
    "a key in the options and another in the headers",
    { headers: { "Idempotency-Key": "own" }, idempotencyKey: "k-1" },
    /^k-1$/,
  ],
];

for (const [what, options, sent] of keys) {
  test(`with ${what}, retries a POST that may have arrived with the same key`, async () => {
    const [first, ...others] = await keysSent([silence, { status: 503 }, {}], options);

    assert.match(String(first), sent);
    assert.deepEqual(others, [first, first]);
  });
}

test("does not retry a POST without a key that may have arrived", async () => {
  assert.deepEqual(await keysSent([silence, {}], {}), [undefined]);
});

test("each call gets its own random key", async () => {
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
  test(`a ${status} redirect ${kept ? "keeps" : "removes"} the idempotency key`, async () => {
    const sent = await keysSent([{ status, headers: { location: "/next" } }, {}], { idempotencyKey: "k-1" });

    assert.deepEqual(sent, ["k-1", kept ? "k-1" : undefined]);
  });
}

test("retries a POST with a key after a 307", async () => {
  const sent = await keysSent([{ status: 307, headers: { location: "/next" } }, silence, {}], {
    idempotencyKey: "auto",
  });

  assert.deepEqual([sent.length, new Set(sent).size], [3, 1]);
});

test("writes the key in the given header, and removes it when a redirect changes the method", async () => {
  const idempotencyHeader = { name: "X-Request-Token", quoted: true };
  const moved = { status: 303, headers: { location: "/next" } };
  const { session, adapter } = scripted([silence, moved, {}], { idempotencyHeader });

  await session.post(url, { body: "order", idempotencyKey: String.raw`a"b\c` });

  const sent = adapter.requests.map(({ headers }) => headers["x-request-token"]);
  assert.deepEqual(sent, [String.raw`"a\"b\\c"`, String.raw`"a\"b\\c"`, undefined]);
  assert.ok(adapter.requests.every(({ headers }) => !("idempotency-key" in headers)));
});

test("rejects a key that cannot be quoted, and sends nothing", async () => {
  const { session, adapter } = scripted([{}], { idempotencyHeader: { quoted: true } });

  const error = await catchFailure(session.post(url, { idempotencyKey: "schlüssel" }));

  assert.deepEqual([error instanceof RangeError, adapter.requests.length], [true, 0]);
});

test("retries a 409 to a request with a key after the requested delay", async () => {
  const { session, adapter, clock } = scripted([
    { status: 409, headers: { "retry-after": "4" } },
    { status: 201, body: "done" },
  ]);

  const response = await session.post(url, { body: "order", idempotencyKey: "k" });

  assert.deepEqual(
    [response.status, clock.now(), response.attempts[0]?.delaySource],
    [201, 4_000, "retry-after"],
  );
  assert.deepEqual(
    adapter.requests.map(({ headers }) => headers["idempotency-key"]),
    ["k", "k"],
  );
});

test("does not retry a 409 without a key, or if the server forbids it", async () => {
  const bare = scripted([{ status: 409 }, {}]);
  const veto = scripted([{ status: 409, headers: { "stripe-should-retry": "false" } }, {}]);

  const answers = [
    await bare.session.post(url, { body: "order" }),
    await veto.session.post(url, { body: "order", idempotencyKey: "k" }),
  ];

  assert.deepEqual(
    answers.map(({ status, attempts }) => [status, attempts.length]),
    [
      [409, 1],
      [409, 1],
    ],
  );
});

test("never retries a 422 to a request with a key, and the advice names the key", async () => {
  const { session, adapter } = scripted([{ status: 422 }, {}]);

  const error = await catchFailure(
    session.post(url, { body: "order", idempotencyKey: "k" }).raiseForStatus(),
  );

  assert.equal(adapter.requests.length, 1);
  assert.match(error.message, /use a new idempotency key/);
});

const empty: readonly IdempotencyKey[] = ["", () => ""];

for (const key of empty) {
  test(`rejects an empty key ${typeof key === "function" ? "from a function" : "in the options"}`, async () => {
    const { session, adapter } = scripted([{}]);

    const error = await catchFailure(session.post(url, { idempotencyKey: key }));

    assert.deepEqual([error instanceof RangeError, adapter.requests.length], [true, 0]);
  });
}

test("rejects an idempotency key that is not a string, such as the promise of an async function", async () => {
  const { session, adapter } = scripted([{}]);
  const keys: unknown[] = [() => Promise.resolve("k"), () => Promise.reject(new Error("no")), 7];

  for (const key of keys) {
    const options = Object.assign({}, { idempotencyKey: "k" }, { idempotencyKey: key });
    const error = await catchFailure(session.post(url, options));

    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, /must not be async/);
  }
  assert.equal(adapter.requests.length, 0);
});

test("does not retry a sent stream, even with a key", async () => {
  const { session, adapter } = scripted([silence, {}]);

  const error = await catchFailure(
    session.post(url, { body: new Blob(["x"]).stream(), idempotencyKey: "k" }),
  );

  assert.deepEqual([error["code"], adapter.requests.length], ["ERR_BODY_NOT_REPLAYABLE", 1]);
});
