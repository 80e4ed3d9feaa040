let calls = 0;
async function callApi(): Promise<string> {
  calls += 1;
  if (calls < 3) throw new Error("connect ECONNREFUSED https://me:secret@api.example");
  return "an answer";
}

// #region logging
import { beforeSleepLog, retry, statistics, waitFixed } from "@holdfast/policy";

const seen = statistics();
const policy = retry({ wait: waitFixed("5ms"), beforeSleep: beforeSleepLog(console, "info") });

await policy.execute(callApi, { on: seen.on });
console.log(`${seen.attempts} attempts, idle for ${seen.idleFor} ms`);
// #endregion
