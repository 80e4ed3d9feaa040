import assert from "node:assert/strict";
import { test } from "node:test";
import { decideAdmission, AdmissionQueue, type Occupancy } from "./admission-queue.ts";

const table: readonly (readonly [Occupancy, ReturnType<typeof decideAdmission>])[] = [
  [{ running: 0, concurrency: 1, waiting: 0, queue: 0 }, "run"],
  [{ running: 1, concurrency: 1, waiting: 0, queue: 0 }, "refuse"],
  [{ running: 1, concurrency: 1, waiting: 0, queue: 1 }, "wait"],
  [{ running: 1, concurrency: 1, waiting: 1, queue: 1 }, "refuse"],
  [{ running: 0, concurrency: 1, waiting: 1, queue: 2 }, "wait"],
  [{ running: 5, concurrency: 1, waiting: 0, queue: Infinity }, "wait"],
];

for (const [occupancy, expected] of table) {
  test(`decideAdmission returns ${expected} with ${occupancy.running} of ${occupancy.concurrency} running and ${occupancy.waiting} of ${occupancy.queue} waiting`, () => {
    assert.equal(decideAdmission(occupancy), expected);
  });
}

test("an admission queue that grows admits waiting calls in order, and one that shrinks ends none", async () => {
  const queue = new AdmissionQueue(1, 5);
  const entered: number[] = [];
  queue.enter();
  const waiting = [1, 2, 3].map((number) => queue.wait(undefined).then(() => entered.push(number)));

  queue.resize(3);
  await Promise.all(waiting.slice(0, 2));
  queue.resize(1);

  assert.deepEqual(entered, [1, 2]);
  assert.deepEqual(queue.occupancy, { running: 3, concurrency: 1, waiting: 1, queue: 5 });
  queue.leave();
  queue.leave();
  assert.equal(queue.occupancy.waiting, 1);
  queue.leave();
  await waiting[2];
  assert.equal(queue.occupancy.running, 1);
});

test("a call that is admitted and aborted in the same turn does not count as running", async () => {
  const queue = new AdmissionQueue(1, 1);
  const caller = new AbortController();
  queue.enter();
  const waiting = queue.wait(caller.signal);

  queue.leave();
  caller.abort("enough");

  assert.equal(await waiting.catch((reason: unknown) => reason), "enough");
  assert.equal(queue.occupancy.running, 0);
});
