import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { BulkheadFullError } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { bulkhead } from "./bulkhead.ts";

function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { task: () => promise, release: () => resolve() };
}

test("a bulkhead runs `concurrency` calls, queues `queue` calls and rejects others", async () => {
  const events: PolicyEvent[] = [];
  const policy = bulkhead({ concurrency: 2, queue: 1, on: (event) => events.push(event) });
  const { task, release } = held();

  const calls = [1, 2, 3, 4].map(() => policy.execute(task));
  const refused = await calls[3]?.catch((error: unknown) => error);

  assert.ok(refused instanceof BulkheadFullError);
  assert.equal(refused.message, "Already 2 running and 1 waiting");
  assert.deepEqual([policy.running, policy.waiting], [2, 1]);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["queued", "rejected"],
  );
  release();
  await Promise.all(calls.slice(0, 3));
  assert.deepEqual([policy.running, policy.waiting], [0, 0]);
});

test("a bulkhead serves its queue first come, first served", async () => {
  const policy = bulkhead({ concurrency: 1, queue: 9 });
  const order: number[] = [];

  await Promise.all([1, 2, 3, 4].map((number) => policy.execute(async () => order.push(number))));

  assert.deepEqual(order, [1, 2, 3, 4]);
});

test("an aborted call leaves the queue of a bulkhead immediately and removes its listener", async () => {
  const policy = bulkhead({ concurrency: 1, queue: 1 });
  const { task, release } = held();
  const caller = new AbortController();
  let ran = false;
  const running = policy.execute(task);
  const waiting = policy.execute(() => (ran = true), { signal: caller.signal });

  caller.abort("enough");

  assert.equal(await waiting.catch((reason: unknown) => reason), "enough");
  assert.equal(policy.waiting, 0);
  assert.equal(getEventListeners(caller.signal, "abort").length, 0);
  release();
  await running;
  assert.equal(ran, false);
});

test("a call that a bulkhead admitted leaves no listener on its signal", async () => {
  const policy = bulkhead({ concurrency: 1, queue: 9 });
  const { signal } = new AbortController();

  await Promise.all([1, 2, 3].map(() => policy.execute(async () => undefined, { signal })));

  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("a bulkhead admits the next call after a task succeeds, rejects or throws", async () => {
  const policy = bulkhead({ concurrency: 1, queue: 0 });
  const error = new Error("mine");

  await assert.rejects(
    policy.execute(() => Promise.reject(error)),
    error,
  );
  await assert.rejects(
    policy.execute(() => {
      throw error;
    }),
    error,
  );

  assert.equal(policy.running, 0);
  assert.equal(await policy.execute(() => "ok"), "ok");
});

test("a call whose listener throws does not count as running in a bulkhead", async () => {
  const thrown = new Error("listener");
  const policy = bulkhead({
    concurrency: 1,
    queue: 1,
    on: () => {
      throw thrown;
    },
  });
  const { task, release } = held();
  const running = policy.execute(task);

  await assert.rejects(policy.execute(task), thrown);

  assert.equal(policy.waiting, 0);
  release();
  await running;
  assert.equal(policy.running, 0);
});

test("bulkhead rejects a concurrency of 0", () => {
  assert.throws(() => bulkhead({ concurrency: 0 }), RangeError);
  assert.throws(() => bulkhead({ queue: -1 }), RangeError);
});

test("a bulkhead without options queues every call", async () => {
  const policy = bulkhead();

  const results = await Promise.all(
    Array.from({ length: 500 }, (_, call) => policy.execute(async () => call)),
  );

  assert.deepEqual([results.length, results[499], policy.waiting], [500, 499, 0]);
});
