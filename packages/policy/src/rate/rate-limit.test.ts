import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { RateLimitedError } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { fakeClock } from "../clock/fake-clock.ts";
import { rateLimit } from "./rate-limit.ts";

test("a rate limit lets calls wait, first come, first served", async () => {
  const clock = fakeClock();
  const policy = rateLimit({ limit: 2, per: "1s" });
  const events: PolicyEvent[] = [];
  const order: (readonly [number, number])[] = [];

  const calls = [1, 2, 3].map((number) =>
    policy.execute(() => order.push([number, clock.now()]), { clock, on: (event) => events.push(event) }),
  );
  await Promise.all(calls);

  assert.deepEqual(order, [
    [1, 0],
    [2, 500],
    [3, 1_000],
  ]);
  assert.deepEqual(events, [
    { type: "throttled", policy: "rateLimit", delay: 500 },
    { type: "throttled", policy: "rateLimit", delay: 1_000 },
  ]);
});

test("a rate limit rejects a call that would wait longer than maxWait, and uses up no turn", async () => {
  const clock = fakeClock({ start: 7 });
  const policy = rateLimit({ limit: 1, per: "1s", maxWait: "1s" });
  await policy.execute(() => 1, { clock });

  const second = policy.execute(() => clock.now(), { clock });
  const third = await policy.execute(() => 3, { clock }).catch((error: unknown) => error);

  assert.ok(third instanceof RateLimitedError);
  assert.deepEqual([third.delay, third.retryAt], [2_000, 2_007]);
  assert.equal(await second, 1_007);
  assert.equal(await policy.execute(() => clock.now(), { clock }), 2_007);
});

test("a rate limit rejects a call that would start after the deadline", async () => {
  const clock = fakeClock();
  const policy = rateLimit({ limit: 1, per: "1s" });
  await policy.execute(() => 1, { clock });

  await assert.rejects(
    policy.execute(() => 2, { clock, deadline: 1_000 }),
    RateLimitedError,
  );

  assert.equal(await policy.execute(() => 3, { clock, deadline: 1_001 }), 3);
});

test("an aborted call releases its turn of a rate limit when it was the latest", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const policy = rateLimit({ limit: 1, per: "1s" });
  const caller = new AbortController();
  await policy.execute(() => 1, { clock });
  const waiting = policy.execute(() => 2, { clock, signal: caller.signal });

  caller.abort("enough");

  assert.equal(await waiting.catch((reason: unknown) => reason), "enough");
  assert.equal(getEventListeners(caller.signal, "abort").length, 0);
  const next = policy.execute(() => clock.now(), { clock });
  await clock.advance(1_000);
  assert.equal(await next, 1_000);
});

test("an aborted call does not move the turns of later calls", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const policy = rateLimit({ limit: 1, per: "1s" });
  const caller = new AbortController();
  await policy.execute(() => 1, { clock });
  const aborted = policy.execute(() => 2, { clock, signal: caller.signal }).catch(() => undefined);
  const waiting = policy.execute(() => clock.now(), { clock });

  caller.abort();
  await aborted;
  const last = policy.execute(() => clock.now(), { clock });
  await clock.advance(3_000);

  assert.deepEqual([await waiting, await last], [2_000, 3_000]);
});

test("rateLimit rejects settings outside their ranges", () => {
  assert.throws(() => rateLimit({ limit: 0, per: "1s" }), RangeError);
  assert.throws(() => rateLimit({ limit: 1, per: 0 }), RangeError);
  assert.throws(() => rateLimit({ limit: 1, per: "1s", burst: 0 }), RangeError);
});
