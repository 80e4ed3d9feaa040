let healthy = false;
async function callApi(): Promise<string> {
  if (healthy) return "a result";
  throw new Error("503");
}

// #region breaker
import { breaker, CircuitOpenError, consecutive } from "holdfast/policy";

const circuit = breaker({ opensWhen: consecutive(5), breakDuration: "50ms" });

async function callOrSkip(): Promise<string> {
  try {
    return await circuit.execute(callApi);
  } catch (error) {
    return error instanceof CircuitOpenError ? "skipped" : "failed";
  }
}
// #endregion

for (let call = 0; call < 7; call += 1) console.log(await callOrSkip());
healthy = true;
await new Promise((done) => setTimeout(done, 60));
console.log(await callOrSkip(), circuit.state);
