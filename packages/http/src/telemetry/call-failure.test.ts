import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { RetryError } from "@holdfast/policy";
import { ConnectionError, ReadTimeoutError, TooManyRedirectsError } from "../errors/transport-errors.ts";
import { isFailure, attachCallInfo } from "./call-failure.ts";
import { HttpResponse, StatusError } from "../model/response.ts";
import { Retry } from "../retry/retry.ts";
import { errorVerdict } from "../model/verdict.ts";
import type { ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/";
const silence = (): { readonly error: unknown; readonly takes: number } => ({
  error: new ReadTimeoutError("a.test", 1, "headers"),
  takes: 100,
});
const story = {
  request: { method: "GET", url },
  attempts: [],
  elapsed: 1,
  verdict: errorVerdict(undefined),
};

test("an error that ends a call keeps its class and has the properties of Failure", async () => {
  const { session } = scripted([{ status: 503, headers: { "retry-after": "7" }, takes: 50 }, silence], {
    retry: new Retry({ total: 1, statusForcelist: [503] }),
  });

  const error = await catchFailure(session.get(url));

  assert.ok(error instanceof ReadTimeoutError && isFailure(error));
  assert.deepEqual(
    error.attempts.map(
      ({ number, startedAt, elapsed, status, error: failed, decision, delay, delaySource }) => ({
        number,
        startedAt,
        elapsed,
        status,
        failed,
        decision,
        delay,
        delaySource,
      }),
    ),
    [
      {
        number: 1,
        startedAt: 0,
        elapsed: 50,
        status: 503,
        failed: undefined,
        decision: "retried",
        delay: 7_000,
        delaySource: "retry-after",
      },
      {
        number: 2,
        startedAt: 7_050,
        elapsed: 100,
        status: undefined,
        failed: {
          name: "ReadTimeoutError",
          code: "ERR_READ_TIMEOUT",
          message: "a.test sent nothing for 1 ms",
        },
        decision: "retries-exhausted",
        delay: undefined,
        delaySource: undefined,
      },
    ],
  );
  assert.deepEqual([error.elapsed, error.verdict.reason, error.retryAt], [7_150, "timeout-read", undefined]);
});

test("raiseOnStatus throws after the last retry, with the response", async () => {
  const { session } = scripted([{ status: 503, body: "down" }], {
    retry: new Retry({ total: 1, raiseOnStatus: true }),
  });

  const error = await catchFailure(session.get(url));

  assert.ok(error instanceof RetryError && isFailure(error));
  assert.equal(error.message, "Gave up after 2 attempts: too many 503 error responses");
  assert.deepEqual(
    [await error.response?.text(), error.verdict.reason, error.attempts.length],
    ["down", "http-503", 2],
  );
});

test("an error shows its request without credentials in every output", async () => {
  const reset = new ConnectionError("reset", { errno: "ECONNRESET", phase: "headers", mayHaveArrived: true });
  const { session } = scripted([
    { status: 302, headers: { location: "/next?token=hunter2&page=2" } },
    { error: reset },
  ]);

  const error = await catchFailure(
    session.get("https://ann:hunter2@a.test/first", { retry: new Retry({ total: 1 }) }),
  );

  assert.ok(isFailure(error));
  const request = { method: "GET", url: "https://a.test/next?token=***&page=2" };
  assert.deepEqual(error.request, request);
  assert.deepEqual(JSON.parse(JSON.stringify(error)).request, request);
  assert.match(
    inspect(error),
    /request: \{\s+method: 'GET',\s+url: 'https:\/\/a\.test\/next\?token=\*\*\*&page=2'/,
  );
  assert.doesNotMatch(inspect(error, { depth: 9 }), /hunter2/);
});

test("TooManyRedirectsError has the last response", async () => {
  const { session } = scripted([{ status: 302, headers: { location: "/" } }], { maxRedirects: 2 });

  const error = await catchFailure(session.get(url));

  assert.ok(error instanceof TooManyRedirectsError && isFailure(error));
  assert.deepEqual(
    [error.verdict.reason, error.response?.status, error.attempts.length, error.request.url],
    ["too-many-redirects", 302, 3, url],
  );
});

test("too many redirects by the counters are the same failure", async () => {
  const { session } = scripted([{ status: 302, headers: { location: "/" } }], {
    maxRedirects: null,
    retry: new Retry({ redirect: 1 }),
  });

  const error = await catchFailure(session.get(url));

  assert.ok(error instanceof RetryError && isFailure(error));
  assert.deepEqual(
    [error.message, error.verdict.reason],
    ["Gave up after 2 attempts: too many redirects", "too-many-redirects"],
  );
});

test("BodyNotReplayableError has the first failure as its cause", async () => {
  const reset = new ConnectionError("reset", { errno: "ECONNRESET", phase: "headers", mayHaveArrived: true });
  const { session, adapter } = scripted([{ error: reset }, {}]);

  const error = await catchFailure(session.put(url, { body: new Blob(["abc"]).stream() }));

  assert.ok(isFailure(error));
  assert.deepEqual(
    [error["code"], error.cause === reset, error.attempts.length, adapter.requests.length],
    ["ERR_BODY_NOT_REPLAYABLE", true, 1, 1],
  );
  assert.equal(error.attempts[0]?.decision, "not-retried: body-not-replayable");
});

test("a one-shot body that got a 503 returns the 503", async () => {
  const { session } = scripted([{ status: 503 }, {}]);

  const response = await session.put(url, { body: new Blob(["abc"]).stream() });

  assert.deepEqual(
    [response.status, response.attempts[0]?.decision],
    [503, "not-retried: body-not-replayable"],
  );
});

test("a successful response has its attempts, too", async () => {
  const { session } = scripted([{ takes: 20 }]);

  const response = await session.get(url);

  const [attempt, ...others] = response.attempts;
  assert.deepEqual(
    [attempt?.decision, attempt?.status, attempt?.elapsed, response.elapsed, others],
    ["success", 200, 20, 20, []],
  );
});

const secrets: readonly (readonly [what: string, script: readonly ScriptedEntry[]])[] = [
  [
    "an error of the platform",
    [
      () => ({
        error: new ConnectionError("connect to http://ann:s3cret@proxy.test failed, token=s3cret", {
          errno: "ECONNREFUSED",
          phase: "connect",
          mayHaveArrived: false,
        }),
      }),
    ],
  ],
  ["redirects", [{ status: 302, headers: { location: "/?api_key=s3cret&password=s3cret" } }]],
  ["a raised status", [{ status: 503 }]],
];

for (const [what, script] of secrets) {
  test(`the attempts of ${what} contain no credentials`, async () => {
    const { session } = scripted(script, {
      retry: new Retry({ total: 1, raiseOnStatus: true }),
      maxRedirects: 2,
    });

    const error = await catchFailure(
      session.get("https://ann:s3cret@a.test/?token=s3cret", { headers: { authorization: "Bearer s3cret" } }),
    );

    assert.ok(isFailure(error));
    assert.ok(
      !JSON.stringify([error.attempts, error.verdict]).includes("s3cret"),
      JSON.stringify(error.attempts),
    );
    if (what !== "an error of the platform's") assert.ok(!error.message.includes("s3cret"), error.message);
  });
}

test("the reason of an abort is thrown unchanged", async () => {
  const caller = new AbortController();
  const reason = new Error("enough");
  const { session } = scripted([{ status: 503, headers: { "retry-after": "60" } }]);
  session.hooks.retry.push(() => caller.abort(reason));

  const error = await catchFailure(session.get(url, { signal: caller.signal }));

  assert.deepEqual([error === reason, isFailure(error)], [true, false]);
});

test("attachCallInfo accepts errors with getters, frozen errors and other values", () => {
  const response = new HttpResponse({
    status: 404,
    statusText: "",
    url,
    headers: {},
    content: new Uint8Array(),
  });
  const [status, frozen] = [new StatusError(response), Object.freeze(new Error("?"))];

  const results = [status, frozen, "text"].map((error) => attachCallInfo(error, story));

  assert.deepEqual(results, [status, frozen, "text"]);
  assert.deepEqual([isFailure(status), isFailure(frozen), isFailure("text")], [true, false, false]);
});

test("an error of the session that fetches a token is a failed attempt", async () => {
  const token = scripted([{ status: 503 }], { retry: new Retry({ total: 0 }) });
  const { session, adapter } = scripted([{}], { retry: new Retry({ total: 1 }) });

  const error = await catchFailure(
    session.get(url, { auth: () => token.session.get(url).raiseForStatus().text() }),
  );

  assert.ok(error instanceof StatusError && isFailure(error));
  assert.deepEqual(
    [error.attempts.length, adapter.requests.length, token.adapter.requests.length],
    [2, 0, 2],
  );
});
