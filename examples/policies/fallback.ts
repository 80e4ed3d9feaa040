async function loadPrices(): Promise<readonly number[]> {
  throw new Error("503");
}

// #region fallback
import { breaker, CircuitOpenError, compose, consecutive, fallback, retryIfError } from "holdfast/policy";

const prices = compose(
  fallback({ when: retryIfError(CircuitOpenError), value: null }),
  breaker({ opensWhen: consecutive(1) }),
);

const first = await prices.execute(loadPrices).catch((error: unknown) => String(error));
const second = await prices.execute(loadPrices); // readonly number[] | null
// #endregion

console.log(first, second);
