import assert from "node:assert/strict";
import { test } from "node:test";
import { RetryError, unlimited } from "@holdfast/policy";
import { createFetch, type FetchOptions } from "./create-fetch.ts";
import type { FetchRetry } from "./fetch-call.ts";
import { Retry } from "../retry/retry.ts";
import type { RetryInit } from "../retry/options.ts";

type Reply = Response | Error | ((request: Request) => Response | Promise<Response>);

interface Scene {
  readonly fetch: typeof globalThis.fetch;
  /** The requests that were sent: method and body. */
  readonly sent: readonly string[];
  readonly keys: readonly (string | null)[];
  readonly retries: readonly FetchRetry[];
}

const url = "https://api.test/items";

/** Sends through a script: each attempt takes the next reply, and the last one repeats. */
function scene(
  replies: readonly Reply[],
  options: Omit<FetchOptions, "retry"> = {},
  rule: RetryInit = {},
): Scene {
  const sent: string[] = [];
  const keys: (string | null)[] = [];
  const retries: FetchRetry[] = [];
  const platformFetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    sent.push(`${request.method} ${await request.text()}`.trim());
    keys.push(request.headers.get("idempotency-key"));
    const reply = replies[Math.min(sent.length, replies.length) - 1];
    if (reply instanceof Response) return reply.clone();
    if (reply instanceof Error || reply === undefined) throw reply ?? new Error("no reply");
    return reply(new Request(input, init));
  };
  const fetch = createFetch({
    fetch: platformFetch,
    budget: unlimited,
    onRetry: (event) => retries.push(event),
    ...options,
    retry: new Retry({ backoffFactor: 0, ...rule }),
  });
  return { fetch, sent, keys, retries };
}

const busy = new Response("busy", { status: 503 });
const fine = new Response("fine");
const unreachable = new TypeError("Failed to fetch");
const refused = Object.assign(new TypeError("fetch failed"), {
  cause: Object.assign(new Error(), { code: "ECONNREFUSED" }),
});

test("createFetch returns a function like the platform's", async () => {
  const { fetch } = scene([fine]);

  assert.deepEqual([fetch.name, fetch.length], ["fetch", 1]);
  await assert.rejects(fetch("not a url"), TypeError);
  assert.equal(await (await createFetch()("data:text/plain,hello")).text(), "hello");
});

test("a GET is sent until it succeeds, and the platform's response is returned", async () => {
  const { fetch, sent, retries } = scene([busy, unreachable, fine]);

  const response = await fetch(url);

  assert.ok(response instanceof Response);
  assert.equal(await response.text(), "fine");
  assert.deepEqual(sent, ["GET", "GET", "GET"]);
  assert.deepEqual(
    retries.map(({ attempt, status, error, source }) => [attempt, status, error, source]),
    [
      [1, 503, undefined, "back-off"],
      [2, undefined, unreachable, "back-off"],
    ],
  );
});

test("after the last retry, the response or the platform's own error comes out", async () => {
  const last = scene([busy]);
  const broken = scene([unreachable]);

  const response = await last.fetch(url);

  assert.deepEqual([response.status, await response.text(), last.sent.length], [503, "busy", 4]);
  await assert.rejects(broken.fetch(url), (error) => error === unreachable);
  assert.equal(broken.sent.length, 4);
});

test("a status that no retry helps is returned at once", async () => {
  for (const status of [200, 204, 301, 400, 401, 404, 501]) {
    const body = status === 204 ? null : "x";
    const { fetch, sent } = scene([new Response(body, { status })]);

    assert.equal((await fetch(url)).status, status);
    assert.equal(sent.length, 1, String(status));
  }
});

const bodies: readonly (readonly [name: string, init: () => RequestInit, sent: string, attempts: number])[] =
  [
    ["a string", () => ({ body: "abc" }), "abc", 2],
    ["bytes", () => ({ body: new TextEncoder().encode("abc") }), "abc", 2],
    ["a blob", () => ({ body: new Blob(["abc"]) }), "abc", 2],
    ["a form", () => ({ body: new URLSearchParams({ a: "b" }) }), "a=b", 2],
    ["a stream", () => ({ body: new Blob(["abc"]).stream(), duplex: "half" }), "abc", 1],
  ];

for (const [name, init, body, attempts] of bodies) {
  test(`${name} is ${attempts === 1 ? "sent once, and never empty" : "sent whole in each attempt"}`, async () => {
    const { fetch, sent } = scene([busy, fine]);

    const response = await fetch(url, { method: "PUT", ...init() });

    assert.deepEqual(
      sent,
      Array.from({ length: attempts }, () => `PUT ${body}`),
    );
    assert.equal(response.status, attempts === 1 ? 503 : 200);
  });
}

test("the body of a Request is sent whole in each attempt, and the Request is used afterwards", async () => {
  const { fetch, sent } = scene([busy, busy, fine]);
  const request = new Request(url, { method: "PUT", body: "abc" });

  await fetch(request);

  assert.deepEqual(sent, ["PUT abc", "PUT abc", "PUT abc"]);
  assert.equal(request.bodyUsed, true);
  await assert.rejects(fetch(request), TypeError);
});

test("a POST is repeated only with a key, or if it certainly did not arrive", async () => {
  const init = { method: "POST", body: "x" };
  const plain = scene([busy, fine]);
  const lost = scene([unreachable, fine]);
  const neverSent = scene([refused, fine]);
  const keyed = scene([busy, unreachable, fine]);
  const automatic = scene([busy, fine], { idempotencyKey: "auto" });

  assert.equal((await plain.fetch(url, init)).status, 503);
  await assert.rejects(lost.fetch(url, init), (error) => error === unreachable);
  assert.equal((await neverSent.fetch(url, init)).status, 200);
  assert.equal((await keyed.fetch(url, { ...init, headers: { "Idempotency-Key": "k" } })).status, 200);
  assert.equal((await automatic.fetch(url, init)).status, 200);

  assert.deepEqual(
    [plain, lost, neverSent, keyed, automatic].map(({ sent }) => sent.length),
    [1, 1, 2, 3, 2],
  );
  assert.equal(automatic.keys[0]?.length, 36);
  assert.equal(automatic.keys[0], automatic.keys[1]);
});

test("the wait of Retry-After is kept, and one beyond its limit ends the call with the response", async () => {
  const limited = (seconds: string): Response =>
    new Response("", { status: 429, headers: { "retry-after": seconds } });
  const short = scene([limited("1"), fine]);
  const long = scene([limited("3600"), fine]);

  const begun = performance.now();
  assert.equal((await short.fetch(url)).status, 200);
  assert.ok(performance.now() - begun >= 1_000);
  assert.equal((await long.fetch(url)).status, 429);
  assert.equal(long.sent.length, 1);
});

test("the delay that a JSON body names is kept, and the body can still be read", async () => {
  const body = JSON.stringify({ error: { code: "insufficient_quota" } });
  const quota = new Response(body, { status: 429, headers: { "content-type": "application/json" } });
  const { fetch, sent } = scene([quota, fine]);

  const response = await fetch(url);

  assert.equal(sent.length, 1);
  assert.equal(await response.text(), body);
});

test("an abort ends the call with its reason, before, during and between attempts", async () => {
  const reason = new Error("mine");
  const hanging: Reply = ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const waiting = new Response("", { status: 429, headers: { "retry-after": "30" } });
  for (const reply of [hanging, waiting]) {
    const { fetch } = scene([reply]);
    const controller = new AbortController();

    const rejected = assert.rejects(fetch(url, { signal: controller.signal }), (error) => error === reason);
    setTimeout(() => controller.abort(reason), 20);
    await rejected;
  }
  const { fetch, sent } = scene([fine]);
  await assert.rejects(fetch(url, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
  assert.deepEqual(sent, []);
});

test("an attempt that takes too long is repeated, and the whole call ends in time", async () => {
  const hanging: Reply = ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const slow = scene([hanging, fine], { timeout: { attempt: 30 } });
  const dead = scene([hanging], { timeout: 50 });

  assert.equal((await slow.fetch(url)).status, 200);
  assert.equal(slow.sent.length, 2);
  await assert.rejects(dead.fetch(url), { code: "ERR_DEADLINE", name: "DeadlineExceededError" });
});

test("`when` asks for another attempt because of a body, which the caller still reads", async () => {
  const empty = new Response("");
  const { fetch, sent } = scene([empty, fine], {
    when: async ({ response }) => (await response?.text()) === "",
  });

  assert.equal(await (await fetch(url)).text(), "fine");
  assert.equal(sent.length, 2);
});

test("raiseOnStatus rejects with a RetryError after the last retry", async () => {
  const { fetch } = scene([busy], {}, { total: 1, raiseOnStatus: true });

  await assert.rejects(fetch(url), RetryError);
});

test("the budget of all calls limits the retries", async () => {
  const { fetch, sent } = scene([busy], { budget: { deposit: () => undefined, withdraw: () => false } });

  await fetch(url);

  assert.equal(sent.length, 1);
});

test("createFetch names wrong options", () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ retries: 3 }, /createFetch has no option "retries": did you mean retry/],
    [{ timeout: 0 }, /createFetch\.timeout takes milliseconds, more than 0/],
    [{ timeout: { read: 5 } }, /no option "read"/],
    [{ retry: { when: () => true } }, /use `when` of createFetch/],
    [{ idempotencyKey: "k" }, /takes "auto"/],
  ];

  for (const [options, message] of wrong) assert.throws(() => createFetch(options), message);
});
