// #region test
import assert from "node:assert/strict";
import { test } from "node:test";
import { Session } from "holdfast";
import { faultOrigin, reset, respond } from "holdfast/testing";

test("reads the orders although the server fails twice", async () => {
  await using origin = await faultOrigin({ routes: { "/orders": [respond(503), reset(), respond(200)] } });
  await using session = new Session();

  const response = await session.get(`${origin.url}/orders`);

  assert.equal(response.status, 200);
  assert.equal(origin.requests.length, 3);
});
// #endregion
