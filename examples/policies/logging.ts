let calls = 0;
async function callApi(): Promise<string> {
  calls += 1;
  if (calls < 3) throw new Error("connect ECONNREFUSED https://me:secret@api.example");
  return "a result";
}

// #region logging
import { beforeSleepLog, retry, statistics, waitFixed } from "holdfast/policy";

const stats = statistics();
const policy = retry({ wait: waitFixed("5ms"), beforeSleep: beforeSleepLog(console, "info") });

await policy.execute(callApi, { on: stats.on });
console.log(`${stats.attempts} attempts, idle for ${stats.idleFor} ms`);
// #endregion
