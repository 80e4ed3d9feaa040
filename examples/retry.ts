let calls = 0;
async function callApi(id: number): Promise<{ id: number; error?: string }> {
  calls += 1;
  return calls < 3 ? { id, error: "temporary_failure" } : { id };
}

// #region retry
import { retry, retryIfResult, stopAfterAttempt, waitRandomExponential } from "holdfast";

const withRetries = retry({
  when: retryIfResult((user: { error?: string }) => user.error === "temporary_failure"),
  wait: waitRandomExponential({ multiplier: "100ms", max: "10s" }),
  stop: stopAfterAttempt(5),
});

const user = await withRetries(callApi)(1);
console.log(`got user ${user.id}`);
// #endregion

console.log(`after ${calls} calls`);
