import { setTimeout as sleep } from "node:timers/promises";

let busy = 0;
/** Runs 8 concurrent calls and rejects more. */
async function callApi(): Promise<number> {
  busy += 1;
  try {
    await sleep(2);
    return busy > 8 ? 503 : 200;
  } finally {
    busy -= 1;
  }
}

// #region adaptive-concurrency
import { adaptiveConcurrency, aimd } from "holdfast/policy";

const limiter = adaptiveConcurrency({
  limit: aimd({ start: 50 }),
  classify: (outcome: { ok: boolean; value?: number }) => (outcome.value === 503 ? "dropped" : "success"),
});

const statuses = await Promise.all(Array.from({ length: 400 }, () => limiter.execute(callApi)));
// #endregion

console.log(`${statuses.length} calls, and the limit came down from 50: ${limiter.limit < 20}`);
