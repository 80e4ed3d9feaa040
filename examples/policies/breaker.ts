let healthy = false;
async function callApi(): Promise<string> {
  if (healthy) return "an answer";
  throw new Error("503");
}

// #region breaker
import { breaker, CircuitOpenError, consecutive } from "@holdfast/policy";

const circuit = breaker({ opensWhen: consecutive(5), breakDuration: "50ms" });

async function ask(): Promise<string> {
  try {
    return await circuit.execute(callApi);
  } catch (error) {
    return error instanceof CircuitOpenError ? "not even tried" : "failed";
  }
}
// #endregion

for (let call = 0; call < 7; call += 1) console.log(await ask());
healthy = true;
await new Promise((done) => setTimeout(done, 60));
console.log(await ask(), circuit.state);
