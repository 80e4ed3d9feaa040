let calls = 0;
async function search(): Promise<string> {
  calls += 1;
  throw new Error("503");
}

// #region budget
import { retry, retryBudget, stopAfterAttempt, waitNone } from "holdfast/policy";

const budget = retryBudget({ ratio: 0.2, minPerSecond: 1 }); // shared by all calls to this server
const policy = retry({ budget, stop: stopAfterAttempt(4), wait: waitNone });
// #endregion

for (let call = 0; call < 100; call += 1) await policy.execute(search).catch(() => undefined);

console.log(`100 calls in an outage made ${calls} requests`);
