import { faultOrigin, respond } from "@holdfast/http/testing";

const busy = respond(200, { body: `{"error":"temporary_failure"}` });
await using origin = await faultOrigin({
  routes: { "/job": [busy, busy, respond(200, { body: `{"result":42}` })] },
});
const url = `${origin.url}/job`;

// #region tenacity-on-content
import { retry, retryIfResult, Session, stopAfterAttempt, waitFixed } from "holdfast";

interface Answer {
  readonly error?: string;
  readonly result?: number;
}

await using session = new Session();

const isTemporaryError = (answer: Answer): boolean => answer.error === "temporary_failure";
const callApi = async (target: string): Promise<Answer> => (await session.get(target)).json<Answer>();

const answer = await retry({
  when: retryIfResult(isTemporaryError),
  wait: waitFixed("50ms"),
  stop: stopAfterAttempt(4),
})(callApi)(url);
console.log(`the result is ${answer.result}`);
// #endregion
