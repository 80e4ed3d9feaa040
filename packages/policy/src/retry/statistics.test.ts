import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../clock/fake-clock.ts";
import { retry } from "./retry.ts";
import { statistics } from "./statistics.ts";
import { stopAfterAttempt } from "./stop.ts";
import { waitFixed } from "./wait.ts";

test("statistics count attempts and time of one call and of several", async () => {
  const clock = fakeClock();
  const stats = statistics();
  const policy = retry({ wait: waitFixed("2s"), stop: stopAfterAttempt(3) });

  await policy.execute(
    async ({ attempt, clock }) => {
      await clock.sleep(100);
      if (attempt < 3) throw new Error("down");
    },
    { clock, on: stats.on },
  );
  const { attempts, failures, retries, giveUps, idleFor, elapsed } = stats;
  await policy
    .execute(() => Promise.reject(new Error("down")), { clock, on: stats.on })
    .catch(() => undefined);

  assert.deepEqual(
    { attempts, failures, retries, giveUps },
    { attempts: 3, failures: 2, retries: 2, giveUps: 0 },
  );
  assert.deepEqual({ idleFor, elapsed }, { idleFor: 4_000, elapsed: 4_300 });
  assert.deepEqual([stats.attempts, stats.retries, stats.giveUps, stats.idleFor], [6, 4, 1, 8_000]);
});
