import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFixed } from "@holdfast/policy";
import { DeferredError } from "../errors/transport-errors.ts";
import { Retry } from "../retry/retry.ts";
import { sessionDefaults } from "../session/defaults.ts";
import type { ScriptedEntry, ScriptedOutcome } from "../testing/scripted/scripted-adapter.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/one";
const other = "https://a.test/two";
const patient = sessionDefaults.retry;

function limited(seconds: number, headers: Readonly<Record<string, string>> = {}): ScriptedEntry {
  return { status: 429, headers: { "retry-after": String(seconds), ...headers } };
}

function last(seconds: number): ScriptedEntry {
  return { headers: { ratelimit: `"default";r=0;t=${seconds}` } };
}

test("a 429 delays every request to its host", async () => {
  const { session, adapter, clock } = scripted([limited(5), {}]);

  await session.get(url, { retry: new Retry({ total: 0, raiseOnStatus: false }) });
  await session.get(other);

  assert.deepEqual([adapter.requests.length, clock.now()], [2, 5_000]);
});

test("a 429 also delays the requests to the host's name with a dot at its end", async () => {
  const { session, clock } = scripted([last(5), {}]);

  await session.get(url);
  await session.get("https://A.test./two");

  assert.equal(clock.now(), 5_000);
});

test("a 429 delays no other host, and no request with pacing switched off", async () => {
  const { session, clock } = scripted([last(5), {}]);
  await session.get(url);
  await session.get("https://b.test/");
  assert.equal(clock.now(), 0);

  const hasty = scripted([last(5), {}], { pacing: false });
  await hasty.session.get(url);
  await hasty.session.get(url);
  assert.equal(hasty.clock.now(), 0);
});

test("an accepted response with nothing remaining delays the next request", async () => {
  const { session, clock } = scripted([last(5), {}]);

  await session.get(url);
  await session.get(other);

  assert.equal(clock.now(), 5_000);
});

test("waiting requests are sent one after another, at most at the stated rate", async () => {
  const policy = { "ratelimit-policy": '"default";q=10;w=1' };
  const { session, adapter, clock } = scripted([
    limited(2, { ratelimit: '"default";r=0;t=2', ...policy }),
    {},
  ]);
  const left: number[] = [];
  session.hooks.request.push(() => void left.push(clock.now()));

  await session.get(url, { retry: new Retry({ total: 0, raiseOnStatus: false }) });
  await Promise.all(Array.from({ length: 10 }, (_, index) => session.get(`${url}/${index}`)));

  assert.equal(adapter.requests.length, 11);
  assert.equal(left[1], 2_000);
  const gaps = left.slice(2).map((at, index) => at - Number(left[index + 1]));
  assert.ok(
    gaps.every((gap) => gap >= 100 && gap < 110),
    String(gaps),
  );
});

test("Retry-After: 0 is followed by the back-off", async () => {
  const retry = new Retry({ total: 1, statusForcelist: [429], wait: waitFixed("3s") });
  const { session, clock } = scripted([limited(0), {}], { retry });

  await session.get(url);

  assert.equal(clock.now(), 3_000);
});

test("with Retry-After: 0 the other requests wait as long as the back-off", async () => {
  const retry = new Retry({ total: 1, statusForcelist: [429], wait: waitFixed("3s") });
  const { session, clock } = scripted([limited(0), {}], { retry });
  const left: number[] = [];
  session.hooks.request.push(() => void left.push(clock.now()));

  const first = session.get(url);
  while (left.length === 0) await Promise.resolve();
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  await Promise.all([first, session.get(other)]);

  assert.equal(Math.min(...left.slice(1)), 3_000);
});

test("a long queue rejects no request while the rate increases", async () => {
  const { session, adapter } = scripted([limited(1), {}], { timeout: { total: "20s" } });
  await session.get(url, { retry: new Retry({ total: 0, raiseOnStatus: false }) });

  await Promise.all(Array.from({ length: 1_000 }, (_, index) => session.get(`${url}/${index}`)));

  assert.equal(adapter.requests.length, 1_001);
});

test("a pause longer than retryAfterMax rejects the request immediately, unsent", async () => {
  const { session, adapter, clock } = scripted([limited(600), {}]);
  await session.get(url);

  const error = await catchFailure(session.get(other));

  assert.deepEqual(
    [error["code"], error["retryAt"], adapter.requests.length, clock.now()],
    ["ERR_RATE_LIMITED", 600_000, 1, 0],
  );
});

test("a deadline before the request's turn rejects it immediately", async () => {
  const { session, adapter } = scripted([last(60), {}], { timeout: { total: "30s" } });
  await session.get(url);

  const error = await catchFailure(session.get(other));

  assert.deepEqual(
    [error["code"], error["retryAt"], adapter.requests.length],
    ["ERR_RATE_LIMITED", 60_000, 1],
  );
});

test("a later response that makes the pause too long rejects a waiting request", async () => {
  const { session, adapter } = scripted([last(5), limited(600), {}]);
  await session.get(url);

  const [first, second] = await Promise.allSettled([session.get(url), session.get(other)]);

  assert.equal(first.status === "fulfilled" && first.value.status, 429);
  assert.equal(second.status === "rejected" && second.reason.code, "ERR_RATE_LIMITED");
  assert.equal(adapter.requests.length, 2);
});

test("a later response of the same bucket rejects a waiting request, too", async () => {
  const { session, adapter } = scripted([limited(5), limited(600), {}]);
  await session.get(url, { retry: new Retry({ total: 0, raiseOnStatus: false }) });

  const [first, second] = await Promise.allSettled([session.get(url), session.get(other)]);

  assert.equal(first.status === "fulfilled" && first.value.status, 429);
  assert.equal(second.status === "rejected" && second.reason.code, "ERR_RATE_LIMITED");
  assert.equal(adapter.requests.length, 2);
});

test("onLongRetryAfter: wait waits for longer than retryAfterMax", async () => {
  const { session, clock } = scripted([limited(600), {}], {
    retry: patient.new({ onLongRetryAfter: "wait" }),
  });

  const response = await session.get(url);

  assert.equal(response.status, 200);
  assert.ok(clock.now() >= 600_000);
});

test("onLongRetryAfter: defer throws with resumeAt and the response", async () => {
  const { session, adapter } = scripted([limited(600)], {
    retry: patient.new({ onLongRetryAfter: "defer" }),
  });

  const error = await catchFailure(session.get(url));
  const next = await catchFailure(session.get(other));

  assert.ok(error instanceof DeferredError && next instanceof DeferredError);
  assert.deepEqual([error.resumeAt, next.resumeAt, adapter.requests.length], [600_000, 600_000, 1]);
  assert.equal(Reflect.get(Object(error["response"]), "status"), 429);
});

test("onLongRetryAfter: defer also applies if the deadline is too short", async () => {
  const { session } = scripted([limited(60)], {
    retry: patient.new({ onLongRetryAfter: "defer" }),
    timeout: { total: "30s" },
  });

  const error = await catchFailure(session.get(url));

  assert.deepEqual([error["code"], error["resumeAt"]], ["ERR_DEFERRED", 60_000]);
});

test("an abort ends the wait for a limiter, and so does closing the session", async () => {
  const { session, adapter } = scripted([last(60), {}]);
  await session.get(url);
  const abort = new AbortController();

  const aborted = session.get(url, { signal: abort.signal });
  const waiting = session.get(other);
  const results = Promise.allSettled([aborted, waiting]);
  abort.abort(new Error("enough"));
  await aborted.catch(() => undefined);
  await session.close();

  const reasons = (await results).map((result) => result.status === "rejected" && String(result.reason));
  assert.deepEqual(reasons, ["Error: enough", "SessionClosedError: The session was closed"]);
  assert.equal(adapter.requests.length, 1);
});

test("a named bucket delays the routes that it counts, and no other known route", async () => {
  const bucket = (name: string, rest: object = {}): ScriptedEntry => ({
    headers: { "x-ratelimit-bucket": name, ...rest },
  });
  const { session, clock } = scripted([
    { status: 429, headers: { "x-ratelimit-bucket": "a", "retry-after": "5" } },
    bucket("b"),
    bucket("b"),
    bucket("a"),
  ]);
  const once = { retry: new Retry({ total: 0, raiseOnStatus: false }) };

  await session.get(url, once);
  await session.get(other);
  const guessed = clock.now();
  await session.get(other);

  assert.deepEqual([guessed >= 5_000, clock.now() - guessed < 1_000], [true, true]);
});

test("an exhausted quota delays no request, since waiting does not help", async () => {
  const body = JSON.stringify({ error: { code: "insufficient_quota" } });
  const headers = { "content-type": "application/json", "retry-after": "60" };
  const { session, clock } = scripted([{ status: 429, headers, body }, {}]);

  const response = await session.get(url);
  await session.get(other);

  assert.deepEqual([response.status, response.verdict.kind, clock.now()], [429, "rejected", 0]);
  assert.match(response.attempts[0]?.verdict.advice ?? "", /raise the quota/);
});

function remains(count: number, headers: Readonly<Record<string, string>>): ScriptedEntry {
  return {
    headers: { "x-ratelimit-remaining": String(count), "x-ratelimit-reset-after": "3600", ...headers },
  };
}

const named: readonly (readonly [what: string, spent: ScriptedEntry, left: ScriptedEntry])[] = [
  [
    "GitHub's resources",
    remains(0, { "x-ratelimit-resource": "search" }),
    remains(4_999, { "x-ratelimit-resource": "core" }),
  ],
  ["Discord's buckets", remains(0, { "x-ratelimit-bucket": "a" }), remains(4, { "x-ratelimit-bucket": "b" })],
  [
    "the policies of RateLimit",
    { headers: { ratelimit: '"a";r=0;t=3600' } },
    { headers: { ratelimit: '"b";r=9;t=3600' } },
  ],
];

for (const [what, spent, left] of named) {
  test(`an exhausted bucket delays no route of another bucket: ${what}`, async () => {
    const { session, clock } = scripted([left, spent, left, left]);

    await session.get(other);
    await session.get(url);
    await session.get(other);
    const error = await catchFailure(session.get(url));

    assert.deepEqual([clock.now(), error["code"]], [0, "ERR_RATE_LIMITED"]);
  });
}

test("a unit mistake does not block a host for years", async () => {
  const { session, adapter } = scripted([{ status: 503, headers: { "retry-after": "1795622646" } }, {}]);

  const refused = await session.get(url);
  const next = await session.get(other);

  assert.deepEqual([refused.status, next.status, adapter.requests.length], [503, 200, 2]);
});

test("a single refusal slows no request down, with one caller or several", async () => {
  for (const workers of [1, 5]) {
    let count = 0;
    const answer = (): ScriptedOutcome => ({
      takes: "100ms",
      ...((count += 1) === 13 && { status: 429, headers: { "retry-after": "1" } }),
    });
    const { session, clock } = scripted([answer]);

    const work = async (): Promise<void> => {
      for (let index = 0; index < 20; index += 1) await session.get(`${url}/${index}`);
    };
    await Promise.all(Array.from({ length: workers }, work));

    assert.ok(clock.now() < 20 * 100 + 1_000 + 600, `${workers} workers took ${clock.now()} ms`);
  }
});

test("a closed session makes no request wait", async () => {
  const { session, clock } = scripted([limited(4), {}]);
  await session.get(url, { retry: new Retry({ total: 0, raiseOnStatus: false }) });
  await session.close();

  await assert.rejects(session.get(other), /The session was closed/);
  assert.equal(clock.now(), 0);
});
