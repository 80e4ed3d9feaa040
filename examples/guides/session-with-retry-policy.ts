import { faultOrigin, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: { "/status/503": [respond(503), respond(503), respond(200, { body: "up again" })] },
});
const url = `${origin.url}/status/503`;

// #region session-with-retry-policy
import { HttpAdapter, Retry, Session } from "holdfast";

const retry = new Retry({
  total: 5,
  statusForcelist: [429, 500, 502, 503, 504],
  allowedMethods: ["HEAD", "GET", "OPTIONS"], // without POST, on purpose
  backoffFactor: "50ms",
  backoffJitter: "20ms",
  respectRetryAfterHeader: true,
});

await using session = new Session({ timeout: { connect: "5s", read: "30s" } });
session.mount("https://", new HttpAdapter({ retry }));
session.mount("http://", new HttpAdapter({ retry }));

const response = await session.get(url);
console.log(response.status, await response.text(), `after ${response.attempts.length} attempts`);
// #endregion
