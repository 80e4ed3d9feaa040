import { faultOrigin, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: {
    "/users/1": [respond(503), respond(200, { body: '{"name":"Ada"}' })],
    "/users/2": [respond(200, { body: '{"name":"Grace"}' })],
    "/users/3": [respond(200, { body: '{"name":"Edsger"}' })],
  },
});
const base = origin.url;

// #region map
import { Session } from "holdfast";
import pMap from "p-map";

await using session = new Session({ baseUrl: base, throwOnStatus: true });
const ids = [1, 2, 3]; // or any iterable, or async iterable
const stop = new AbortController(); // ends the requests under way after the first error
let done = 0;

async function getUser(id: number): Promise<{ name: string }> {
  const user = await session.get(`/users/${id}`, { signal: stop.signal }).json<{ name: string }>();
  console.log(`${(done += 1)} of ${ids.length}`);
  return user;
}

const users = await pMap(ids, getUser, { concurrency: 8 }).catch((error: unknown) => {
  stop.abort(error);
  throw error;
});
// #endregion

console.log(users.map(({ name }) => name).join(", ")); // in the order of ids

// #region iterate
import { pMapIterable } from "p-map";

// Requests at most 16 users ahead of the loop, in the order of `ids`.
const get = (id: number) => session.get(`/users/${id}`).json<{ name: string }>();
for await (const { name } of pMapIterable(ids, get, { concurrency: 8, backpressure: 16 })) console.log(name);
// #endregion
