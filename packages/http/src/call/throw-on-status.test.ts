import assert from "node:assert/strict";
import { test } from "node:test";
import { RetryError } from "@holdfast/policy";
import { HttpResponse, SchemaError, StatusError } from "../model/response.ts";
import type { StandardSchema } from "../model/schema.ts";
import { isFailure } from "../telemetry/call-failure.ts";
import { faultOrigin } from "../testing/origin/fault-origin.ts";
import { respond } from "../testing/replies/respond.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";
import { Session } from "../session/session.ts";

const url = "https://ann:s3cret@a.test/x?token=s3cret";
const json = { "content-type": "application/json" };
const down = {
  status: 503,
  statusText: "Service Unavailable",
  headers: json,
  body: '{"message":"Down for lunch"}',
};

test("throwOnStatus throws a StatusError with method, URL, status, attempts and the server's message", async () => {
  const { session } = scripted([down], { throwOnStatus: true, retry: 2 });

  const error = await catchFailure(session.put(url));

  assert.ok(error instanceof StatusError && isFailure(error));
  assert.equal(
    error.message,
    "PUT https://a.test/x?token=*** responded with 503 Service Unavailable after 3 attempts: Down for lunch. " +
      error.verdict.advice,
  );
  assert.deepEqual(
    [error.method, error.url, error.status, error.attempts.length, error.serverMessage],
    ["PUT", "https://a.test/x?token=***", 503, 3, "Down for lunch"],
  );
  assert.deepEqual(
    [error.request.method, await error.response?.json()],
    ["PUT", { message: "Down for lunch" }],
  );
});

const results: readonly (readonly [
  status: number,
  session: boolean | undefined,
  request: boolean | undefined,
  thrown: boolean,
])[] = [
  [404, undefined, undefined, false],
  [404, true, undefined, true],
  [404, true, false, false],
  [404, undefined, true, true],
  [400, true, undefined, true],
  [399, true, undefined, false],
  [304, true, undefined, false],
  [204, true, undefined, false],
  [599, true, undefined, true],
];

for (const [status, ofSession, ofRequest, thrown] of results) {
  test(`throwOnStatus ${ofSession} of the session and ${ofRequest} of the request ${thrown ? "throws" : "returns"} a ${status}`, async () => {
    const { session } = scripted([{ status }], {
      retry: false,
      ...(ofSession !== undefined && { throwOnStatus: ofSession }),
    });

    const result: unknown = await session
      .get("https://a.test/", ofRequest === undefined ? {} : { throwOnStatus: ofRequest })
      .catch((error: unknown) => error);

    assert.ok(thrown ? result instanceof StatusError : result instanceof HttpResponse);
  });
}

test("throwOnStatus returns a status that a retry turned into a success, and the error has the redirects before it", async () => {
  const { session } = scripted([down, { status: 302, headers: { location: "/y" } }, { status: 410 }, {}], {
    throwOnStatus: true,
  });

  const error = await catchFailure(session.get("https://a.test/"));

  assert.ok(error instanceof StatusError && isFailure(error));
  assert.deepEqual([error.status, error.attempts.length, error.history?.length], [410, 3, 1]);
  assert.equal((await session.get("https://a.test/")).status, 200);
});

test("throwOnStatus throws a StatusError where raiseOnStatus alone throws a RetryError", async () => {
  const { session } = scripted([down], { retry: { total: 0, raiseOnStatus: true } });

  assert.ok((await catchFailure(session.get("https://a.test/"))) instanceof RetryError);
  assert.ok(
    (await catchFailure(session.get("https://a.test/", { throwOnStatus: true }))) instanceof StatusError,
  );
});

test("error hooks receive a StatusError of a buffered and of a streamed response once", async () => {
  await using origin = await faultOrigin({
    routes: { "/": () => respond(418, { headers: json, body: '{"error":"tea"}' }) },
  });
  const seen: unknown[] = [];
  await using session = new Session({
    throwOnStatus: true,
    hooks: { error: [(error) => void seen.push(error)] },
  });

  const buffered = await catchFailure(session.get(origin.url));
  const streamed = await catchFailure(session.get(origin.url, { stream: true }));

  assert.deepEqual(seen, [buffered, streamed]);
  assert.ok(streamed instanceof StatusError && isFailure(streamed));
  assert.deepEqual([streamed.serverMessage, await streamed.response.json()], ["tea", { error: "tea" }]);
  assert.equal(origin.connections, 1);
});

const never: StandardSchema<never> = {
  "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "must have an id" }] }) },
};

test("json(schema) of an error response says so, and keeps the SchemaError as the cause", async () => {
  const { session } = scripted([down], { retry: false });

  const error = await catchFailure(session.get("https://a.test/").json(never));

  assert.ok(error instanceof StatusError && error.cause instanceof SchemaError);
  assert.match(
    error.message,
    /^GET https:\/\/a.test\/ responded with 503 Service Unavailable: Down for lunch/,
  );
});

test("a SchemaError has URL, status and response", async () => {
  const { session } = scripted([{ body: "{}" }]);

  const error = await catchFailure(session.get(url).json(never));

  assert.ok(error instanceof SchemaError);
  assert.deepEqual(
    [error.url, error.status, error.response.attempts.length],
    ["https://a.test/x?token=***", 200, 1],
  );
  assert.equal(
    error.message,
    "GET https://a.test/x?token=*** responded with 200, and the body does not match the schema: must have an id",
  );
});
