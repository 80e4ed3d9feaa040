import { faultOrigin, reset, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: {
    "/payments": [
      reset(), // the first attempt may have arrived
      respond(409, { headers: { "retry-after": "1" } }), // it did, and the server still works on it
      respond(201, { body: `{"id":"p-1"}` }), // its result, returned for the same key
    ],
    "/orders": [reset(), respond(201)],
  },
});
const payments = `${origin.url}/payments`;
const orders = `${origin.url}/orders`;

// #region safe-post
import { isFailure, Session } from "holdfast";

await using session = new Session();

const paid = await session.post(payments, { json: { amount: 10 }, idempotencyKey: "auto" });
console.log(paid.status, paid.attempts.map(({ status, error }) => status ?? error?.code).join(", "));

const error: unknown = await session.post(orders, { json: { item: 1 } }).catch((reason: unknown) => reason);
if (isFailure(error)) console.log(error.attempts[0]?.decision); // "not-retried: may-have-arrived"
// #endregion

const keys = origin.requests
  .filter(({ target }) => target === "/payments")
  .map(({ headers }) => headers["idempotency-key"]);
console.log(new Set(keys).size === 1, origin.requests.length);
