import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../clock/fake-clock.ts";
import { afterLog, beforeLog, beforeSleepLog } from "./log.ts";
import { retry } from "./retry.ts";
import { stopAfterAttempt } from "./stop.ts";
import { waitFixed } from "./wait.ts";
import { retryAlways } from "./when.ts";

test("log callbacks write each step of a retry in order, one line each", async () => {
  const lines: string[] = [];
  const logger = {
    debug: (line: string) => lines.push(`debug ${line}`),
    warn: (line: string) => lines.push(`warn ${line}`),
  };
  const policy = retry({
    when: retryAlways,
    wait: waitFixed("1.5s"),
    stop: stopAfterAttempt(2),
    before: beforeLog(logger, "debug"),
    after: afterLog(logger, "debug"),
    beforeSleep: beforeSleepLog(logger, "warn"),
    retryErrorCallback: () => undefined,
  });

  await policy.execute(
    ({ attempt }) => (attempt === 1 ? Promise.reject(new TypeError("no\nroute")) : "secret"),
    {
      clock: fakeClock(),
    },
  );

  assert.deepEqual(lines, [
    "debug Starting attempt 1",
    "debug Finished attempt 1 after 0ms: TypeError: no route",
    "warn Retrying in 1.5s after attempt 1: TypeError: no route",
    "debug Starting attempt 2",
    "debug Finished attempt 2 after 1.5s: its result was refused",
  ]);
});

test("beforeSleepLog accepts console as a logger", () => {
  assert.equal(typeof beforeSleepLog(console, "warn"), "function");
});
