// #region compose
import { breaker, compose, explain, plan, retry, stopAfterAttempt, timeout } from "holdfast/policy";

const policy = compose(timeout("60s"), retry({ stop: stopAfterAttempt(4) }), breaker(), timeout("5s"));

console.log(explain(policy));

const { waits, worst, amplification } = await plan(policy, { seed: 7, attemptDuration: "200ms" });
for (const { attempt, delay } of waits) console.log(`after attempt ${attempt}: ${Math.round(delay)} ms`);
console.log(`at worst ${Math.round(worst.duration)} ms and ${amplification} calls`);
// #endregion
