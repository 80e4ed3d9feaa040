import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { systemClock } from "../clock/clock.ts";
import { RetryError } from "../core/errors.ts";
import { fakeClock } from "../testing/index.ts";
import { retry } from "./retry.ts";
import { stopAfterAttempt } from "./stop.ts";
import { waitFixed, waitNone } from "./wait.ts";
import { retryIfResult } from "./when.ts";

const refused = new Error("refused");

test("attempts() yields attempts until one succeeds, with waits between them", async () => {
  const clock = fakeClock();
  const numbers: number[] = [];
  let value: string | undefined;

  for await (const attempt of retry({ wait: waitFixed("1s") }).attempts({ clock })) {
    numbers.push(attempt.number);
    value = await attempt.run(() => {
      if (attempt.number < 3) throw refused;
      return "done";
    });
  }

  assert.equal(value, "done");
  assert.deepEqual(numbers, [1, 2, 3]);
  assert.deepEqual(clock.sleeps, [1_000, 1_000]);
});

test("run() of a failed attempt returns undefined, and the iteration throws when it gives up", async () => {
  const values: unknown[] = [];
  const iterate = async (): Promise<void> => {
    for await (const attempt of retry({
      wait: waitNone,
      stop: stopAfterAttempt(2),
      reraise: false,
    }).attempts()) {
      values.push(await attempt.run(() => Promise.reject(refused)));
    }
  };

  await assert.rejects(iterate(), (error) => error instanceof RetryError && error.cause === refused);
  assert.deepEqual(values, [undefined, undefined]);
});

test("attempts() applies the condition to the value of run()", async () => {
  const values: unknown[] = [];
  const policy = retry({ wait: waitNone, when: retryIfResult((value) => value === "pending") });

  for await (const attempt of policy.attempts()) {
    values.push(await attempt.run(() => (attempt.number === 1 ? "pending" : "done")));
  }

  assert.deepEqual(values, ["pending", "done"]);
});

test("a loop body without run() is a successful attempt", async () => {
  const numbers: number[] = [];

  for await (const attempt of retry().attempts()) numbers.push(attempt.number);

  assert.deepEqual(numbers, [1]);
});

test("an attempt whose body does not await run() ends when its work ends", async () => {
  const clock = fakeClock();
  const numbers: number[] = [];

  for await (const attempt of retry({ wait: waitNone }).attempts({ clock })) {
    numbers.push(attempt.number);
    void attempt.run(async () => {
      await clock.sleep(10);
      if (attempt.number < 3) throw refused;
    });
  }

  assert.deepEqual(numbers, [1, 2, 3]);
});

test("break ends the iteration without another attempt", async () => {
  const numbers: number[] = [];

  for await (const attempt of retry({ wait: waitNone }).attempts()) {
    numbers.push(attempt.number);
    if (attempt.number === 2) break;
    await attempt.run(() => Promise.reject(refused));
  }

  assert.deepEqual(numbers, [1, 2]);
});

test("return inside the loop returns the value", async () => {
  const find = async (): Promise<string> => {
    for await (const attempt of retry().attempts()) return `attempt ${attempt.number}`;
    return "none";
  };

  assert.equal(await find(), "attempt 1");
});

test("an error that the loop body throws is rethrown unchanged and not retried", async () => {
  const numbers: number[] = [];
  const iterate = async (): Promise<void> => {
    for await (const attempt of retry({ wait: waitNone }).attempts()) {
      numbers.push(attempt.number);
      throw refused;
    }
  };

  await assert.rejects(iterate(), (error) => error === refused);
  assert.deepEqual(numbers, [1]);
});

test("break after the last failure leaves no unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const hear = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", hear);

  for await (const attempt of retry({ stop: stopAfterAttempt(1) }).attempts()) {
    await attempt.run(() => Promise.reject(refused));
    break;
  }
  await systemClock.sleep(0);

  process.off("unhandledRejection", hear);
  assert.deepEqual(unhandled, []);
});

test("attempts() throws the reason of a signal that aborts before the first attempt or during a wait", async () => {
  const reason = new Error("closing");
  const numbers: number[] = [];
  const iterate = async (signal: AbortSignal, abort: () => void): Promise<void> => {
    for await (const attempt of retry({ wait: waitFixed("1h") }).attempts({
      signal,
      clock: fakeClock({ autoAdvance: false }),
    })) {
      numbers.push(attempt.number);
      await attempt.run(() => Promise.reject(refused));
      void systemClock.sleep(0).then(abort);
    }
  };
  const controller = new AbortController();

  await assert.rejects(
    iterate(AbortSignal.abort(reason), () => undefined),
    (error) => error === reason,
  );
  await assert.rejects(
    iterate(controller.signal, () => controller.abort(reason)),
    (error) => error === reason,
  );

  assert.deepEqual(numbers, [1]);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
});

test("attempts() ends without an error when retryErrorCallback returns a value", async () => {
  const policy = retry({ stop: stopAfterAttempt(2), wait: waitNone, retryErrorCallback: () => "fallback" });
  const numbers: number[] = [];

  for await (const attempt of policy.attempts()) {
    numbers.push(attempt.number);
    await attempt.run(() => Promise.reject(refused));
  }

  assert.deepEqual(numbers, [1, 2]);
});

test("two iterations of one policy are independent", async () => {
  const policy = retry({ wait: waitNone });
  const count = async (failures: number): Promise<number> => {
    let attempts = 0;
    for await (const attempt of policy.attempts()) {
      attempts += 1;
      await attempt.run(() => (attempt.number > failures ? "done" : Promise.reject(refused)));
    }
    return attempts;
  };

  assert.deepEqual(await Promise.all([count(0), count(2), count(1)]), [1, 3, 2]);
});
