// #region server
import { Session } from "holdfast";
import { cut, faultOrigin, reset, respond } from "holdfast/testing";

const user = respond(200, { body: `{"name":"Ada"}` });

const server = await faultOrigin({
  routes: {
    "/users/1": [
      respond(503, { headers: { "retry-after": "1" } }), // the first request: busy, try again in a second
      cut(user, { atBody: 5 }), // the second request: the body breaks off after 5 bytes
      user, // the third request: a complete response
    ],
    "/orders": [reset(), reset(), respond(201)], // twice a reset, then success
  },
});
// #endregion

const session = new Session({ baseUrl: server.url });
try {
  // #region get
  const response = await session.get("/users/1");
  console.log(response.status, await response.json());
  // #endregion

  // #region attempts
  for (const { number, status, error, decision, delay, delaySource } of response.attempts) {
    console.log(number, status ?? error?.code, decision, delay, delaySource);
  }
  // #endregion

  // #region post
  const order = { item: 1 };
  const unsafe = await session.post("/orders", { json: order }).catch((error: unknown) => error);
  console.log(String(unsafe));
  // #endregion

  // #region key
  const safe = await session.post("/orders", { json: order, idempotencyKey: "auto" });
  console.log(safe.status, `after ${safe.attempts.length} attempts`);
  // #endregion
} finally {
  await session.close();
  await server.close();
}
