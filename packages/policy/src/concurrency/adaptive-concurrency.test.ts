import assert from "node:assert/strict";
import { test } from "node:test";
import { BulkheadFullError, DeadlineExceededError } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { fakeClock } from "../clock/fake-clock.ts";
import { adaptiveConcurrency } from "./adaptive-concurrency.ts";
import { aimd } from "./aimd.ts";
import type { ConcurrencyLimit, LoadSample } from "./concurrency-limit.ts";

function recording(samples: LoadSample[], limit = 2): ConcurrencyLimit {
  const same: ConcurrencyLimit = {
    name: "recording",
    limit,
    after: (sample) => (samples.push(sample), same),
  };
  return same;
}

test("adaptiveConcurrency measures the duration of a call and how many calls ran at its start", async () => {
  const clock = fakeClock();
  const samples: LoadSample[] = [];
  const policy = adaptiveConcurrency({ limit: recording(samples) });
  const task = (duration: number) => policy.execute(() => clock.sleep(duration), { clock });

  await Promise.all([task(100), task(300), task(50)]);

  assert.deepEqual(samples, [
    { duration: 100, inFlight: 1, dropped: false },
    { duration: 50, inFlight: 2, dropped: false },
    { duration: 300, inFlight: 2, dropped: false },
  ]);
  assert.equal(policy.running, 0);
});

test("adaptiveConcurrency counts an expired deadline as dropped and ignores other errors by default", async () => {
  const clock = fakeClock();
  const samples: LoadSample[] = [];
  const policy = adaptiveConcurrency({ limit: recording(samples) });

  for (const error of [new DeadlineExceededError(5), new Error("404")]) {
    await policy.execute(() => Promise.reject(error), { clock }).catch(() => undefined);
  }

  assert.deepEqual(
    samples.map(({ dropped }) => dropped),
    [true],
  );
});

test("adaptiveConcurrency admits waiting calls when the limit grows, and reports the change", async () => {
  const clock = fakeClock();
  const events: PolicyEvent[] = [];
  const policy = adaptiveConcurrency({ limit: aimd({ start: 1 }), on: (event) => events.push(event) });
  const begun: number[] = [];

  await Promise.all(
    [1, 2, 3].map(() => policy.execute(() => (begun.push(clock.now()), clock.sleep(10)), { clock })),
  );

  assert.deepEqual(begun, [0, 10, 10]);
  assert.deepEqual(events.slice(0, 3), [
    { type: "queued", policy: "adaptiveConcurrency", waiting: 1 },
    { type: "queued", policy: "adaptiveConcurrency", waiting: 2 },
    { type: "limit-changed", policy: "adaptiveConcurrency", limit: 2, before: 1 },
  ]);
});

test("adaptiveConcurrency shrinks with dropped calls, down to one call at a time", async () => {
  const clock = fakeClock();
  const policy = adaptiveConcurrency({
    limit: aimd({ start: 3 }),
    classify: ({ ok }) => (ok ? "success" : "dropped"),
  });

  for (let drop = 0; drop < 5; drop += 1) {
    await policy.execute(() => Promise.reject(new Error("503")), { clock }).catch(() => undefined);
  }

  assert.equal(policy.limit, 1);
  assert.equal(await policy.execute(() => "still serves", { clock }), "still serves");
});

test("adaptiveConcurrency rejects calls when the queue is full", async () => {
  const clock = fakeClock();
  const policy = adaptiveConcurrency({ limit: aimd({ start: 1 }), queue: 0 });

  const running = policy.execute(() => clock.sleep(5), { clock });

  await assert.rejects(
    policy.execute(() => 1, { clock }),
    BulkheadFullError,
  );
  await running;
});

test("adaptiveConcurrency admits the next call after its classifier threw", async () => {
  const broken = new Error("classifier");
  const policy = adaptiveConcurrency({
    classify: () => {
      throw broken;
    },
  });

  await assert.rejects(
    policy.execute(() => 1),
    broken,
  );

  assert.equal(policy.running, 0);
});
