let calls = 0;
async function callApi(id: number): Promise<{ id: number; error?: string }> {
  calls += 1;
  if (calls === 1) throw new TypeError("fetch failed");
  return calls === 2 ? { id, error: "temporary_failure" } : { id };
}

// #region retry
import {
  retry,
  retryAny,
  retryIfError,
  retryIfResult,
  stopAfterAttempt,
  waitRandomExponential,
} from "holdfast";

const patient = retry({
  when: retryAny(
    retryIfError(TypeError),
    retryIfResult((user: { error?: string }) => user.error === "temporary_failure"),
  ),
  wait: waitRandomExponential({ multiplier: "100ms", max: "10s" }),
  stop: stopAfterAttempt(5),
});

const user = await patient(callApi)(1);
console.log(`got user ${user.id}`);
// #endregion

console.log(`after ${calls} calls`);
