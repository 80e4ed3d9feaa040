import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultOrigin, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: {
    "/big": [respond(200, { body: "x".repeat(100_000) })],
    "/users/1": [respond(200, { body: `{"name":"Ada"}` })],
    "/me": (request) =>
      request.headers["authorization"] === "Bearer fresh" ? respond(200, { body: "welcome" }) : respond(401),
    "/form": [respond(200, { body: "taken", headers: { "set-cookie": "id=7; Path=/" } })],
    "/orders": [respond(503), respond(200, { body: "[]" })],
  },
});
const base = origin.url;
const folder = await mkdtemp(join(tmpdir(), "holdfast-example-"));
const file = join(folder, "big.txt");
let token = "stale";

// #region stream
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { Session } from "holdfast";

await using session = new Session({ baseUrl: base });

const big = await session.get("/big", { stream: true });
await pipeline(big.body, createWriteStream(file)); // a complete body, or an IncompleteBodyError
// #endregion

console.log((await readFile(file)).length, "bytes");
await rm(folder, { recursive: true });

// #region json
import type { StandardSchema } from "holdfast";

// Any Standard Schema works: zod, valibot, arktype, or one of your own.
const User: StandardSchema<{ name: string }> = {
  "~standard": {
    version: 1,
    vendor: "by-hand",
    validate: (value) =>
      typeof value === "object" && value !== null && "name" in value
        ? { value: { name: String(value.name) } }
        : { issues: [{ message: "a user needs a name" }] },
  },
};
const { name } = await session.get("/users/1").json(User);
// #endregion

console.log(name);

// #region auth
import { bearerAuth } from "holdfast";

const auth = bearerAuth((refused) => (refused === undefined ? token : (token = "fresh"))); // called again after a 401
console.log(await session.get("/me", { auth }).text());
// #endregion

// #region form
const form = new FormData();
form.set("report", new Blob(["42"]), "report.txt");
await session.put("/form", { body: form }); // every attempt sends the whole form
const jar = await session.cookies?.jar();
// #endregion

console.log(jar?.getCookieStringSync(base));

// #region policy
import { breaker, bulkhead, compose, consecutive } from "holdfast";

await using protectedSession = new Session({
  policy: () => compose(bulkhead({ concurrency: 8, queue: 100 }), breaker({ opensWhen: consecutive(5) })),
});
console.log(await protectedSession.get(`${base}/orders`).json());
// #endregion
