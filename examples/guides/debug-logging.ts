import { faultOrigin, respond } from "@holdfast/http/testing";

await using origin = await faultOrigin({
  routes: { "/": [respond(503, { headers: { "retry-after": "0.2" } }), respond(200), respond(404)] },
});
const url = `${origin.url}/?api_key=abc`;

// #region debug-logging
import { logTo, Session } from "holdfast";

await using session = new Session({ hooks: logTo(console, { headers: true }) });

await session.get(url); // each attempt, its headers, the wait after the 503: api_key=*** in all of it
await session.get(url); // a 404, and what to do about it
// #endregion
