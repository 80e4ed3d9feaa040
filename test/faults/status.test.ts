import assert from "node:assert/strict";
import { endlessBody, respond, stall, type Reply } from "@holdfast/http/testing";
import { faultOrigin, test } from "./protocol.ts";
import { outcomeOf, scenarios, sessionFor, type Scenario } from "./scenario.ts";

const recovered = respond(200, { body: "recovered\n" });
const came = { status: 200, body: "recovered\n" } as const;

function then(...answers: readonly Reply[]): Pick<Scenario, "origin"> {
  return { origin: { routes: { "/": [...answers, recovered] } } };
}

scenarios({
  ...Object.fromEntries(
    [408, 425, 429, 500, 502, 503, 504].map((status) => [
      `status.${status}-then-200`,
      { ...then(respond(status, { body: "not now\n" })), expect: { ...came, attempts: 2, connections: 1 } },
    ]),
  ),
  ...Object.fromEntries(
    [400, 401, 403, 404, 405, 409, 410, 422, 501, 505, 511].map((status) => [
      `status.4xx-not-retried: ${status} is answered once`,
      { ...then(respond(status, { body: "no\n" })), expect: { status, body: "no\n", attempts: 1 } },
    ]),
  ),
  "status.cloudflare-52x": {
    ...then(respond(520), respond(522), respond(524)),
    retry: { statusForcelist: [520, 521, 522, 523, 524] },
    expect: { ...came, attempts: 4 },
  },
  "status.503-for-ever": {
    origin: { routes: { "/": respond(503, { body: "down\n" }) } },
    retry: { total: 3 },
    expect: { status: 503, body: "down\n", attempts: 4, told: 4 },
  },
  "status: a permanent 503 with raiseOnStatus": {
    origin: { routes: { "/": respond(503) } },
    retry: { total: 3, raiseOnStatus: true },
    expect: { error: { code: "ERR_RETRIES_EXHAUSTED" }, attempts: 4, verdict: "http-503" },
  },
  "status.retries-zero": {
    origin: { routes: { "/": respond(503) } },
    retry: { total: 0 },
    expect: { status: 503, attempts: 1 },
  },
  "status.exhausted-body-readable": {
    origin: {
      routes: {
        "/": respond(503, {
          headers: { "content-type": "application/problem+json" },
          body: '{"title":"down"}',
        }),
      },
    },
    retry: { total: 1 },
    expect: { status: 503, body: '{"title":"down"}', attempts: 2 },
  },
  "status.429-post-optin": {
    ...then(respond(429)),
    method: "POST",
    request: { body: "order" },
    retry: { allowedMethods: ["POST"] },
    expect: { ...came, attempts: 2, requestBody: "order" },
  },
  "status.failed-body-endless": {
    ...then(endlessBody(503, { every: 20, chunked: true })),
    expect: { ...came, attempts: 2, elapsed: { max: 3_000 } },
  },
  "status: a 503 with a stalled body takes the read limit": {
    ...then(stall(respond(503, { body: "x".repeat(1_000) }), { atBody: 10 })),
    expect: { ...came, attempts: 2, elapsed: { min: 300, max: 1_500 } },
  },
  "status: a 421 is repeated on a new connection": {
    ...then(respond(421)),
    expect: { ...came, attempts: 2, connections: 2 },
  },
  "status: a POST with a 421 is repeated on a new connection": {
    ...then(respond(421)),
    method: "POST",
    request: { body: "order" },
    expect: { ...came, attempts: 2, connections: 2, requestBody: "order" },
  },
  "status: a second 421 is returned": {
    ...then(respond(421), respond(421)),
    expect: { status: 421, attempts: 2, connections: 2 },
  },
});

test("status.200-with-error-body: a condition on the content retries it", async () => {
  const failing = respond(200, { body: '{"error":"temporary_failure"}' });
  await using origin = await faultOrigin({
    routes: { "/": [failing, failing, respond(200, { body: '{"ok":true}' })] },
  });
  await using session = await sessionFor({
    retry: { when: async ({ response }) => (await response?.text())?.includes("temporary_failure") ?? false },
  });

  const { response } = await outcomeOf(session.get(`${origin.url}/`));

  assert.deepEqual([await response?.text(), origin.requests.length], ['{"ok":true}', 3]);
});
