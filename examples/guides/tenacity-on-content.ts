import { faultOrigin, respond } from "holdfast/testing";

const busy = respond(200, { body: `{"error":"temporary_failure"}` });
await using origin = await faultOrigin({
  routes: { "/job": [busy, busy, respond(200, { body: `{"result":42}` })] },
});
const url = `${origin.url}/job`;

// #region tenacity-on-content
import { retry, retryIfResult, Session, stopAfterAttempt, waitFixed } from "holdfast";

interface JobState {
  readonly error?: string;
  readonly result?: number;
}

await using session = new Session();

const isTemporaryError = (state: JobState): boolean => state.error === "temporary_failure";
const callApi = async (target: string): Promise<JobState> => (await session.get(target)).json<JobState>();

const state = await retry({
  when: retryIfResult(isTemporaryError),
  wait: waitFixed("50ms"),
  stop: stopAfterAttempt(4),
})(callApi)(url);
console.log(`the result is ${state.result}`);
// #endregion
