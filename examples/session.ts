import { faultOrigin, reset, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: {
    "/users/1": [
      respond(503, { headers: { "retry-after": "1" } }),
      reset(),
      respond(200, { body: `{"name":"Ada"}` }),
    ],
  },
});
const url = `${origin.url}/users/1`;

// #region session
import { Session } from "holdfast";

const session = new Session({ timeout: { connect: "5s", read: "30s", total: "2m" } });
try {
  const response = await session.get(url);
  console.log(response.status, await response.json());
  for (const { number, status, error, decision, delay } of response.attempts) {
    console.log(number, status ?? error?.code, decision, delay);
  }
} finally {
  await session.close();
}
// #endregion
