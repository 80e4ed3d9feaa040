import { setTimeout as sleep } from "node:timers/promises";

let calls = 0;
async function lookUp(signal: AbortSignal | undefined): Promise<string> {
  calls += 1;
  await sleep(calls === 1 ? 2_000 : 5, undefined, signal === undefined ? {} : { signal });
  return `result of try ${calls}`;
}

// #region hedge
import { hedge, retryBudget } from "holdfast/policy";

const budget = retryBudget({ ratio: 0.1 });
const hedged = hedge({ delay: "50ms", budget });

const result = await hedged.execute(({ signal }) => lookUp(signal));
// #endregion

console.log(result);
