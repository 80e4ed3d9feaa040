import { faultOrigin, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: { "/": [respond(429, { headers: { "x-come-back-in": "0.2" } }), respond(200, { body: "here" })] },
});
const url = `${origin.url}/`;

// #region a-dialect-of-your-own
import { dialects, Session, type Dialect } from "holdfast";

const comeBackIn: Dialect = ({ headers }) => {
  const seconds = Number(headers.get("x-come-back-in") ?? NaN);
  return seconds >= 0 ? { kind: "rate", delay: seconds * 1_000, source: "x-come-back-in" } : undefined;
};
const retry = { dialects: [...dialects, comeBackIn] };

await using session = new Session({ retry });
const response = await session.get(url);
// #endregion

console.log(await response.text());
for (const { status, decision, delay = 0, delaySource } of response.attempts) {
  console.log(status, decision, delaySource === undefined ? "" : `${Math.round(delay)} ms by ${delaySource}`);
}
