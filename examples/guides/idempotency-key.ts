import { faultOrigin, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: { "/payments": [respond(503), respond(201, { body: "paid" })] },
});
const url = `${origin.url}/payments`;

// #region idempotency-key
import { Session } from "holdfast";

await using session = new Session();

const response = await session.post(url, { json: { amount: 10 }, idempotencyKey: "auto" });
console.log(response.status, `after ${response.attempts.length} attempts with one key`);
// #endregion

console.log(new Set(origin.requests.map(({ headers }) => headers["idempotency-key"])).size === 1);
