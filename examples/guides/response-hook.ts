import { faultOrigin, respond } from "holdfast/testing";

await using origin = await faultOrigin({ routes: { "/": [respond(503), respond(200, { body: "fine" })] } });
const url = `${origin.url}/`;

// #region response-hook
import { Session } from "holdfast";

await using session = new Session();
session.hooks.response.push((response) => {
  if (response.status >= 400) console.log(`${response.status} from ${response.url}`);
});

await session.get(url); // the hook also receives the 503; a hook of requests would not
// #endregion
