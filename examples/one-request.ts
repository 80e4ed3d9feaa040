import { faultOrigin, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: { "/users/1": [respond(503), respond(200, { body: '{"name":"Ada"}' })] },
});
const url = `${origin.url}/users/1`;

// #region get
import { get } from "holdfast";

const user = await get(url, { retry: 5, timeout: "30s" }).json<{ name: string }>();
console.log(user.name);
// #endregion
