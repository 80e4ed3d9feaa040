import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { onAbort, waitBounded } from "./bounded-wait.ts";

const never = new Promise<never>(() => undefined);
const timeoutError = (): Error => new Error("too long");

test("a bounded wait returns the result in time, and leaves no timer and no listener", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const { signal } = new AbortController();

  const result = await waitBounded(Promise.resolve(5), {
    clock,
    limit: 1_000,
    signals: [signal],
    timeoutError,
  });

  assert.equal(result, 5);
  assert.equal(clock.sleeping, 0);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("a bounded wait rejects with the timeout error when the limit has passed", async () => {
  const clock = fakeClock();

  await assert.rejects(waitBounded(never, { clock, limit: 1_000, signals: [], timeoutError }), /too long/);

  assert.equal(clock.now(), 1_000);
});

test("a bounded wait rejects with the reason of the signal that is aborted", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const [first, second] = [new AbortController(), new AbortController()];
  const signals = [first.signal, undefined, second.signal];
  const waiting = waitBounded(never, { clock, limit: Infinity, signals, timeoutError });

  second.abort("enough");

  await assert.rejects(waiting, (error) => error === "enough");
  assert.equal(getEventListeners(first.signal, "abort").length, 0);
});

test("a settled promise wins over a signal that is already aborted", async () => {
  const bounds = { clock: fakeClock(), limit: 1_000, signals: [AbortSignal.abort("enough")], timeoutError };

  assert.equal(await waitBounded(Promise.resolve(5), bounds), 5);
  await assert.rejects(waitBounded(never, bounds), (error) => error === "enough");
});

test("a stopped abort listener is not called, whether the signal was aborted before or is aborted later", async () => {
  const caller = new AbortController();
  const reasons: unknown[] = [];

  onAbort([AbortSignal.abort("before")], (reason) => reasons.push(reason))();
  onAbort([caller.signal], (reason) => reasons.push(reason))();
  caller.abort("later");
  await new Promise(setImmediate);

  assert.deepEqual(reasons, []);
});
