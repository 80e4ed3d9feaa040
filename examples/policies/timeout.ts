let calls = 0;
async function callApi(signal: AbortSignal | undefined): Promise<string> {
  calls += 1;
  if (calls > 1) return "a result";
  return new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

// #region timeout
import { compose, retry, timeout, waitFixed } from "holdfast/policy";

const policy = compose(
  timeout("2s"), // for all attempts and waits together
  retry({ wait: waitFixed("10ms") }),
  timeout("50ms"), // for each attempt
);

const result = await policy.execute(({ signal }) => callApi(signal));
// #endregion

console.log(`${result} after ${calls} calls`);
