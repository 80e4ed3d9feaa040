import { faultOrigin, reset, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: { "/data": [respond(503), reset(), respond(200, { body: `{"rows":3}` })] },
});
const url = `${origin.url}/data`;

// #region tenacity-basic
import {
  beforeSleepLog,
  retry,
  retryIfError,
  Session,
  StatusError,
  stopAfterAttempt,
  TransportError,
  waitExponential,
} from "holdfast";

await using session = new Session({ retry: false });

const fetchData = retry({
  stop: stopAfterAttempt(3),
  wait: waitExponential({ multiplier: "100ms", min: "200ms", max: "1s" }),
  when: retryIfError(TransportError, StatusError),
  beforeSleep: beforeSleepLog(console, "warn"),
})(async (target: string) => (await session.get(target)).raiseForStatus().json<{ rows: number }>());

const { rows } = await fetchData(url);
console.log(`${rows} rows`);
// #endregion
