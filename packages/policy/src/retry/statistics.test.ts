import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../clock/fake-clock.ts";
import { retry } from "./retry.ts";
import { statistics } from "./statistics.ts";
import { stopAfterAttempt } from "./stop.ts";
import { waitFixed } from "./wait.ts";

test("counts attempts and time over a call, and over all calls", async () => {
  const clock = fakeClock();
  const seen = statistics();
  const policy = retry({ wait: waitFixed("2s"), stop: stopAfterAttempt(3) });

  await policy.execute(
    async ({ attempt, clock }) => {
      await clock.sleep(100);
      if (attempt < 3) throw new Error("down");
    },
    { clock, on: seen.on },
  );
  const { attempts, failures, retries, giveUps, idleFor, elapsed } = seen;
  await policy
    .execute(() => Promise.reject(new Error("down")), { clock, on: seen.on })
    .catch(() => undefined);

  assert.deepEqual(
    { attempts, failures, retries, giveUps },
    { attempts: 3, failures: 2, retries: 2, giveUps: 0 },
  );
  assert.deepEqual({ idleFor, elapsed }, { idleFor: 4_000, elapsed: 4_300 });
  assert.deepEqual([seen.attempts, seen.retries, seen.giveUps, seen.idleFor], [6, 4, 1, 8_000]);
});
