import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import pMap from "p-map";
import { Session, StatusError } from "@holdfast/http";
import { faultOrigin, respond, silence, type FaultOrigin } from "@holdfast/http/testing";

/** An origin whose third user is missing, and whose others never respond. */
function startOrigin(): Promise<FaultOrigin> {
  return faultOrigin({
    routes: { "/users/3": () => pause(100).then(() => respond(404)), "*": () => silence() },
  });
}

const ids = Array.from({ length: 20 }, (_, index) => index + 1);

test("the guide's map ends with the first error, and its abort ends the requests under way", async () => {
  await using origin = await startOrigin();
  await using session = new Session({ baseUrl: origin.url, throwOnStatus: true });
  const stop = new AbortController();
  const results: Promise<unknown>[] = [];
  const getUser = (id: number): Promise<unknown> => {
    const user = session.get(`/users/${id}`, { signal: stop.signal }).json();
    results.push(user);
    return user;
  };

  const map = pMap(ids, getUser, { concurrency: 8 }).catch((error: unknown) => {
    stop.abort(error);
    throw error;
  });

  await assert.rejects(map, (error) => error instanceof StatusError && error.status === 404);
  const settled = await Promise.allSettled(results);
  assert.equal(settled.length, 8);
  for (const result of settled)
    assert.equal(result.status === "rejected" && result.reason, stop.signal.reason);
});

test("one signal for the map and its requests ends both", async () => {
  await using origin = await startOrigin();
  await using session = new Session({ baseUrl: origin.url });
  const stop = new AbortController();
  const { signal } = stop;
  const map = pMap([1, 2, 4, 5], (id) => session.get(`/users/${id}`, { signal }).json(), {
    concurrency: 2,
    signal,
  });
  const enough = new Error("enough");
  setTimeout(() => stop.abort(enough), 50);

  await assert.rejects(map, enough);
  assert.ok(origin.requests.length <= 2);
});
