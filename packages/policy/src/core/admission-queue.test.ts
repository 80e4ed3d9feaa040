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

for (const [crowd, expected] of table) {
  test(`${crowd.running} of ${crowd.concurrency} running, ${crowd.waiting} of ${crowd.queue} waiting: ${expected}`, () => {
    assert.equal(decideAdmission(crowd), expected);
  });
}

test("a gate that grows lets in those who wait, in their order, and one that shrinks throws nobody out", async () => {
  const gate = new AdmissionQueue(1, 5);
  const entered: number[] = [];
  gate.enter();
  const waiting = [1, 2, 3].map((who) => gate.wait(undefined).then(() => entered.push(who)));

  gate.resize(3);
  await Promise.all(waiting.slice(0, 2));
  gate.resize(1);

  assert.deepEqual(entered, [1, 2]);
  assert.deepEqual(gate.occupancy, { running: 3, concurrency: 1, waiting: 1, queue: 5 });
  gate.leave();
  gate.leave();
  assert.equal(gate.occupancy.waiting, 1);
  gate.leave();
  await waiting[2];
  assert.equal(gate.occupancy.running, 1);
});

test("a place that comes together with the abort goes back", async () => {
  const gate = new AdmissionQueue(1, 1);
  const caller = new AbortController();
  gate.enter();
  const waiting = gate.wait(caller.signal);

  gate.leave();
  caller.abort("enough");

  assert.equal(await waiting.catch((reason: unknown) => reason), "enough");
  assert.equal(gate.occupancy.running, 0);
});
