import assert from "node:assert/strict";
import { test } from "node:test";
import type { RecordedRequest, Script } from "../index.ts";
import { accept, reset, respond } from "../index.ts";
import { resolveReply, entryFor, findScript, readsFirst } from "./routes.ts";

const [one, two, three, four] = [201, 202, 203, 206].map((status) => respond(status));
const request: RecordedRequest = {
  method: "GET",
  target: "/",
  path: "/",
  httpVersion: "1.1",
  headerLines: [],
  headers: {},
  body: Buffer.alloc(0),
  bodyComplete: true,
  startedAt: 0,
  endedAt: undefined,
  connection: 1,
  attempt: 2,
};

test("chooses the exact path, then the longest pattern, then a 404", () => {
  assert.ok(one && two && three && four);
  const routes = { "/a": one, "/a*": two, "/a/b/*": three, "*": four };
  const table = [
    ["/a", one],
    ["/ab", two],
    ["/a/b/c", three],
    ["/b", four],
    ["toString", four],
  ] as const;
  for (const [path, script] of table) assert.equal(findScript(routes, path), script, path);
  assert.deepEqual(findScript({ "/a": one }, "/b"), respond(404, { body: "No such route\n" }));
});

test("plays one entry of a list per attempt and repeats the last, and one reply for every attempt", () => {
  const script: Script = [reset(), () => accept(), respond(200)];

  assert.deepEqual(entryFor(script, 1), reset());
  assert.equal(typeof entryFor(script, 2), "function");
  assert.deepEqual(entryFor(script, 3), respond(200));
  assert.deepEqual(entryFor(script, 99), respond(200));
  assert.deepEqual(entryFor(reset(), 5), reset());
  assert.deepEqual(entryFor([accept(), reset()], 1), []);
});

test("accepts a reply, a promise, or a script from a responder", async () => {
  assert.deepEqual(await resolveReply(() => reset(), request), reset());
  assert.deepEqual(await resolveReply(async () => reset(), request), reset());
  assert.deepEqual(await resolveReply(() => [respond(200), () => reset()], request), reset());
});

test("reads the body first unless the steps begin with a read", () => {
  assert.equal(readsFirst(respond(200)), true);
  assert.equal(
    readsFirst(() => reset()),
    true,
  );
  assert.equal(readsFirst([{ read: 0 }, ...respond(200)]), false);
  assert.equal(readsFirst([]), true);
});
