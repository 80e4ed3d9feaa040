import { faultOrigin, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: { "/": [respond(503, { headers: { "retry-after": "0.2" } }), respond(200), respond(404)] },
});
const url = `${origin.url}/?api_key=abc`;

// #region debug-logging
import { logTo, Session } from "holdfast";

await using session = new Session({ hooks: logTo(console, { headers: true }) });

await session.get(url); // logs attempts, headers and the wait after the 503, with api_key=***
await session.get(url); // logs the 404 with advice
// #endregion
