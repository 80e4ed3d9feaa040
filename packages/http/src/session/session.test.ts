import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { retryBudget, waitFixed } from "@holdfast/policy";
import type { AttemptRecord } from "../model/attempt-record.ts";
import { InvalidUrlError, ProtocolError } from "../errors/transport-errors.ts";
import { isFailure } from "../telemetry/call-failure.ts";
import { Retry } from "../retry/retry.ts";
import type { RetryInit } from "../retry/options.ts";
import type { RequestOptions, SessionOptions } from "../call/options.ts";
import {
  scriptedAdapter,
  type ScriptedEntry,
  type ScriptedOutcome,
} from "../testing/scripted/scripted-adapter.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/";
const notHttp = new ProtocolError("?", { phase: "headers", mayHaveArrived: true });
const listed: RetryInit = { statusForcelist: [503], raiseOnStatus: false };

function busy(seconds?: number): ScriptedEntry {
  return { status: 503, headers: seconds === undefined ? {} : { "retry-after": String(seconds) } };
}

function to(location: string, seconds?: number): ScriptedOutcome {
  return {
    status: 302,
    headers: { location, ...(seconds !== undefined && { "retry-after": String(seconds) }) },
  };
}

test("a session without options makes four attempts with growing waits, and returns the response", async () => {
  const { session, adapter, clock } = scripted([busy()], { random: () => 0.5 });

  const response = await session.get(url);

  assert.deepEqual([response.status, adapter.requests.length, clock.sleeps], [503, 4, [500, 1_000, 2_000]]);
});

test("waits at least for Retry-After, and at most a tenth longer", async () => {
  const waits = [0, 0.999].map(async (chance) => {
    const { session, clock } = scripted([busy(5), {}], { random: () => chance });
    await session.get(url);
    return clock.sleeps[0];
  });

  const [least, most] = await Promise.all(waits);

  assert.equal(least, 5_000);
  assert.ok(Number(most) > 5_000 && Number(most) < 5_500);
});

// The deadline and the delays of the server

const endings: readonly (readonly [
  what: string,
  script: readonly ScriptedEntry[],
  options: SessionOptions,
  ending: readonly [status: number, requests: number, waited: readonly number[], retryAt: number | undefined],
])[] = [
  ["a Retry-After that fits", [busy(60), {}], { timeout: { total: "2m" } }, [200, 2, [60_000], undefined]],
  ["a Retry-After beyond the deadline", [busy(60), {}], { timeout: { total: "60s" } }, [503, 1, [], 60_000]],
  ["a Retry-After beyond retryAfterMax", [busy(121), {}], {}, [503, 1, [], 121_000]],
  [
    "a second Retry-After beyond the deadline",
    [busy(60), busy(60), {}],
    { timeout: { total: "100s" } },
    [503, 2, [60_000], 120_000],
  ],
  [
    "a back-off beyond the deadline",
    [busy(), {}],
    { timeout: { total: 900 }, random: () => 0.999 },
    [503, 1, [], undefined],
  ],
  ["a redirect with a Retry-After", [to("/two", 30), {}], {}, [200, 2, [30_000], undefined]],
  ["a redirect with a Retry-After beyond retryAfterMax", [to("/two", 121), {}], {}, [302, 1, [], 121_000]],
  [
    "a redirect with a Retry-After beyond the deadline",
    [to("/two", 30), {}],
    { timeout: { total: "30s" } },
    [302, 1, [], 30_000],
  ],
  [
    "a second redirect with a Retry-After beyond retryAfterMax",
    [to("/two"), to("/three", 121), {}],
    {},
    [302, 2, [], 121_000],
  ],
  [
    "a Retry-After beyond the deadline after a redirect",
    [to("/two", 30), busy(60), {}],
    { timeout: { total: "80s" } },
    [503, 2, [30_000], 90_000],
  ],
];

for (const [what, script, options, ending] of endings) {
  test(`${what}: ${ending[0]} after ${ending[1]} requests`, async () => {
    const { session, adapter, clock } = scripted(script, options);

    const { status, retryAt } = await session.get(url);

    assert.deepEqual([status, adapter.requests.length, clock.sleeps, retryAt], ending);
  });
}

const slow: readonly (readonly [what: string, script: readonly ScriptedEntry[], requests: number])[] = [
  ["one attempt", [{ takes: "20s" }], 1],
  ["an attempt after a wait", [busy(5), { takes: "20s" }], 2],
  ["an attempt after a redirect", [{ ...to("/two"), takes: "5s" }, { takes: "20s" }], 2],
];

for (const [what, script, requests] of slow) {
  test(`the deadline ends ${what}, and all of the call`, async () => {
    const { session, adapter, clock } = scripted(script, { timeout: { total: "10s" } });

    const error = await catchFailure(session.get(url));

    assert.deepEqual(
      [error["code"], error.message, adapter.requests.length, clock.now()],
      [
        "ERR_DEADLINE",
        `GET ${what.includes("redirect") ? `${url}two` : url}: The call did not finish within 10000 ms (${requests} ${requests === 1 ? "attempt" : "attempts"})`,
        requests,
        10_000,
      ],
    );
  });
}

test("an abort ends the wait for a Retry-After, also that of a redirect", async () => {
  for (const script of [[busy(60)], [to("/two", 60)]]) {
    const caller = new AbortController();
    const reason = new Error("enough");
    const { session, adapter } = scripted(script, {
      hooks: { response: [() => queueMicrotask(() => setImmediate(() => caller.abort(reason)))] },
      clock: forever(),
    });

    const error = await catchFailure(session.get(url, { signal: caller.signal }));

    assert.deepEqual([error === reason, adapter.requests.length], [true, 1]);
  }
});

/** A clock on which no sleep ends without an abort. */
function forever(): NonNullable<SessionOptions["clock"]> {
  return {
    now: () => 0,
    date: () => 0,
    sleep: (_delay, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
  };
}

// Options of a request that override those of the session

const session = {
  headers: { "x-a": "session", "x-b": "session" },
  params: { a: "session", b: "session" },
  baseUrl: "https://a.test/v1/",
} satisfies SessionOptions;

test("the headers and params of a request override those of the session", async () => {
  const { session: made, adapter } = scripted([{}], session);

  await made.get("users", {
    headers: { "X-A": "request", "x-b": undefined },
    params: { a: "request", c: 1 },
  });

  const [sent] = adapter.requests;
  assert.deepEqual(
    [sent?.headers["x-a"], sent?.headers["x-b"], sent?.headers["user-agent"]],
    ["request", undefined, "holdfast"],
  );
  assert.equal(sent?.url, "https://a.test/v1/users?a=request&c=1&b=session");
});

const overrides: readonly (readonly [
  what: string,
  script: readonly ScriptedEntry[],
  options: RequestOptions,
  ending: string,
])[] = [
  ["retry", [busy()], { retry: new Retry({ total: 1, ...listed }) }, "503 after 2"],
  [
    "retry with raiseOnStatus",
    [busy()],
    { retry: new Retry({ total: 1, raiseOnStatus: true }) },
    "ERR_RETRIES_EXHAUSTED after 2",
  ],
  [
    "timeout",
    [{ takes: "2s" }],
    { timeout: { read: "1s" }, retry: new Retry({ total: 0 }) },
    "ERR_READ_TIMEOUT after 1",
  ],
  [
    "one limit of timeout and keeps the session's total",
    [{ takes: "50s" }],
    { timeout: { read: "70s" } },
    "ERR_DEADLINE after 1",
  ],
  ["maxRedirects with 0", [to("/two"), {}], { maxRedirects: 0 }, "302 after 1"],
  ["maxRedirects with 1", [to("/two"), to("/three")], { maxRedirects: 1 }, "ERR_TOO_MANY_REDIRECTS after 2"],
  ["retry with redirect: false", [to("/two"), {}], { retry: new Retry({ redirect: false }) }, "302 after 1"],
  ["retry with total: false", [to("/two"), {}], { retry: new Retry({ total: false }) }, "302 after 1"],
  [
    "retry with two redirects",
    [to("/two")],
    { retry: new Retry({ redirect: 2 }) },
    "ERR_TOO_MANY_REDIRECTS after 3",
  ],
  ["retry with total: 0", [to("/2"), to("/3"), {}], { retry: new Retry({ total: 0 }) }, "200 after 3"],
  [
    "maxRedirects with null, and counts redirects by the retry",
    [to("/two")],
    { maxRedirects: null, retry: new Retry({ redirect: 2, raiseOnRedirect: false }) },
    "302 after 3",
  ],
  [
    "signal",
    [{}],
    { signal: AbortSignal.abort(Object.assign(new Error(), { code: "MINE" })) },
    "MINE after 0",
  ],
];

for (const [what, script, options, ending] of overrides) {
  test(`a request overrides ${what}: ${ending}`, async () => {
    const { session: made, adapter } = scripted(script, { timeout: { total: "40s" } });

    const came = await made.get(url, options).then(
      ({ status }) => String(status),
      (error: { readonly code: string }) => error.code,
    );

    assert.equal(`${came} after ${adapter.requests.length}`, ending);
  });
}

test("sends the method of each verb, and any other method by name", async () => {
  const { session: made, adapter } = scripted([{}]);

  await made.get(url);
  await made.head(url);
  await made.options(url);
  await made.post(url);
  await made.put(url);
  await made.patch(url);
  await made.delete(url);
  await made.request("purge", url);

  assert.deepEqual(
    adapter.requests.map(({ method }) => method),
    ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "purge"],
  );
});

test("refuses a TRACE with a body before it is sent, whatever the protocol", async () => {
  const { session, adapter } = scripted([{}]);

  for (const body of ["x", Buffer.from("x"), () => Readable.from(["x"]), Readable.from(["x"])])
    await assert.rejects(session.request("TRACE", url, { body }), /A TRACE request must not have a body/);
  await session.request("TRACE", url, { body: "" });
  await session.request("TRACE", url);

  assert.equal(adapter.requests.length, 2);
});

test("sends the whole body with every attempt and after a 307, and none after a 303", async () => {
  const { session: made, adapter } = scripted([
    busy(),
    { status: 307, headers: { location: "/two" } },
    { status: 303, headers: { location: "/three" } },
    {},
  ]);

  await made.put(url, { json: { a: 1 } });

  assert.deepEqual(
    adapter.requests.map(({ method, body }) => [method, body]),
    [
      ["PUT", '{"a":1}'],
      ["PUT", '{"a":1}'],
      ["PUT", '{"a":1}'],
      ["GET", undefined],
    ],
  );
});

test("history has the redirects oldest first, each with its attempts", async () => {
  const { session: made } = scripted([busy(), to("/two"), to("/three"), busy(), {}]);

  const response = await made.get(url);

  assert.deepEqual(
    [...response.history, response].map((one) => [one.url, one.status, one.attempts.length]),
    [
      ["https://a.test/", 302, 2],
      ["https://a.test/two", 302, 3],
      ["https://a.test/three", 200, 5],
    ],
  );
});

const storyOf = (
  attempts: readonly AttemptRecord[] | undefined,
): readonly (readonly [number: number, asked: string, what: unknown, decision: string])[] | undefined =>
  attempts?.map(({ number, method, url: where, status, error, decision }) => [
    number,
    `${method} ${where}`,
    status ?? error?.code,
    decision,
  ]);

test("attempts and attempt hooks include the redirects, in order", async () => {
  const heard: AttemptRecord[] = [];
  const { session: made } = scripted([busy(), to("/two"), to("/three?token=s3cret"), busy(), {}]);
  made.hooks.attempt.push((attempt) => heard.push(attempt));

  const { attempts } = await made.post(url, { body: "x", idempotencyKey: "k" });

  assert.deepEqual(storyOf(attempts), [
    [1, "POST https://a.test/", 503, "retried"],
    [2, "POST https://a.test/", 302, "redirected"],
    [3, "GET https://a.test/two", 302, "redirected"],
    [4, "GET https://a.test/three?token=***", 503, "retried"],
    [5, "GET https://a.test/three?token=***", 200, "success"],
  ]);
  assert.deepEqual(heard, attempts);
  assert.deepEqual(JSON.parse(JSON.stringify(attempts)), attempts);
});

test("an error after a redirect has every attempt of the call", async () => {
  const { session: made } = scripted([to("/two"), { error: notHttp }]);

  const error = await catchFailure(made.get(url));

  assert.deepEqual(storyOf(isFailure(error) ? error.attempts : undefined), [
    [1, "GET https://a.test/", 302, "redirected"],
    [2, "GET https://a.test/two", "ERR_PROTOCOL", "not-retried: protocol"],
  ]);
});

test("the error for a redirect loop has each redirect", async () => {
  const heard: AttemptRecord[] = [];
  const { session: made } = scripted([to("/again")], { maxRedirects: 2 });
  made.hooks.attempt.push((attempt) => heard.push(attempt));

  const error = await catchFailure(made.get(url));

  const attempts = isFailure(error) ? error.attempts : undefined;
  assert.deepEqual(storyOf(attempts), [
    [1, "GET https://a.test/", 302, "redirected"],
    [2, "GET https://a.test/again", 302, "redirected"],
    [3, "GET https://a.test/again", 302, "not-retried: too-many-redirects"],
  ]);
  assert.deepEqual(heard, attempts);
});

const patiences: readonly (readonly [
  what: string,
  script: readonly ScriptedEntry[],
  options: SessionOptions,
  expected: readonly [decision: string | undefined, requestedDelay: number | undefined],
])[] = [
  ["a delay beyond retryAfterMax", [busy(900)], {}, ["retry-after-too-long", 900_000]],
  ["a redirect with a delay beyond retryAfterMax", [to("/two", 900)], {}, ["retry-after-too-long", 900_000]],
  ["a delay beyond the deadline", [busy(60)], { timeout: { total: "9s" } }, ["given-up: deadline", 60_000]],
  ["a delay before a retry", [busy(7), {}], {}, ["retried", 7_000]],
  ["a retry without a requested delay", [busy(), {}], {}, ["retried", undefined]],
];

for (const [what, script, options, expected] of patiences) {
  test(`the record of an attempt has the requested delay: ${what}`, async () => {
    const { session: made } = scripted(script, options);

    const [first] = (await made.get(url)).attempts;

    assert.deepEqual([first?.decision, first?.requestedDelay], expected);
  });
}

test("the record of a redirect has its wait only if it is followed", async () => {
  const { session: made } = scripted([to("/two", 3), {}]);

  const followed = await made.get(url);
  const { session: other } = scripted([busy(), to("/two")]);
  const heard: AttemptRecord[] = [];
  other.hooks.attempt.push((attempt) => heard.push(attempt));
  const kept = await other.get(url, { maxRedirects: 0 });

  assert.deepEqual(
    [followed.attempts[0]?.decision, followed.attempts[0]?.delay, followed.attempts[0]?.delaySource],
    ["redirected", 3_000, "retry-after"],
  );
  assert.deepEqual(
    kept.attempts.map(({ decision }) => decision),
    ["retried", "not-retried: http-302"],
  );
  assert.deepEqual(heard, kept.attempts);
});

test("a redirect does not restore the retries of a call", async () => {
  const { session: made, adapter } = scripted([busy(), busy(), to("/two"), busy(), busy(), {}], {
    retry: new Retry({ total: 3, ...listed }),
  });

  const response = await made.get(url);

  assert.deepEqual([response.status, adapter.requests.length], [503, 5]);
});

test("the retry of an adapter applies, also after a redirect", async () => {
  const {
    session: made,
    adapter,
    clock,
  } = scripted([to("https://b.test/")], { retry: new Retry({ total: 0 }) });
  const other = scriptedAdapter([busy()], { clock, retry: new Retry({ total: 2, ...listed }) });
  made.mount("https://b.test/", other);

  await made.get("https://b.test/");
  await made.get(url);
  await made.get(url, { retry: new Retry({ total: 1, ...listed }) });

  assert.deepEqual([adapter.requests.length, other.requests.length], [2, 3 + 3 + 2]);
});

for (const name of ["x-key", "X-Key"]) {
  test(`removes the credentials and the sensitive header ${name} on a redirect to another origin`, async () => {
    const { session: made, adapter } = scripted([to("https://b.test/"), {}], { sensitiveHeaders: [name] });

    await made.get("https://ann:secret@a.test/", { headers: { "x-key": "k", "x-other": "o" } });

    const [first, second] = adapter.requests.map(({ headers }) => [
      headers["authorization"],
      headers["x-key"],
      headers["x-other"],
    ]);
    assert.deepEqual(
      [first, second],
      [
        ["Basic YW5uOnNlY3JldA==", "k", "o"],
        [undefined, undefined, "o"],
      ],
    );
  });
}

test("a mounted prefix may name the default port", async () => {
  const { session: made, adapter, clock } = scripted([{}]);
  const other = scriptedAdapter([{}], { clock });
  made.mount("http://b.test:80/", other).mount("https://b.test:443", other);

  for (const asked of ["http://b.test/x", "http://b.test:80/x", "https://b.test/x", "https://b.test:8443/x"])
    await made.get(asked);

  assert.deepEqual([other.requests.length, adapter.requests.length], [3, 1]);
});

test("a closed session sends nothing, even through an open adapter", async () => {
  const { session: made, adapter } = scripted([{}]);
  await made.close();

  for (const call of [made.get(url), made.get(url, { stream: true })])
    await assert.rejects(call, { name: "SessionClosedError", code: "ERR_SESSION_CLOSED" });

  assert.equal(adapter.requests.length, 0);
});

const mistakes: readonly (readonly [
  what: string,
  call: Parameters<ReturnType<typeof scripted>["session"]["request"]>,
  name: string,
])[] = [
  ["a URL without a scheme", ["GET", "nowhere"], "InvalidUrlError"],
  ["a URL with another scheme", ["GET", "ftp://a.test/"], "InvalidUrlError"],
  ["a body and JSON", ["POST", url, { body: "x", json: 1 }], "TypeError"],
  ["a value that is not JSON", ["POST", url, { json: () => 1 }], "TypeError"],
];

for (const [what, call, name] of mistakes) {
  test(`${what} is a ${name}, and nothing is sent`, async () => {
    const { session: made, adapter } = scripted([{}]);

    const error = await catchFailure(made.request(...call));

    assert.deepEqual([error.name, adapter.requests.length], [name, 0]);
  });
}

test("does not retry a TypeError of an adapter", async () => {
  const { session: made, adapter } = scripted([{ error: new TypeError("a bug") }]);

  const error = await catchFailure(made.get(url));

  assert.deepEqual([error.message, adapter.requests.length], ["a bug", 1]);
});

test("retry.when can retry a response for its body", async () => {
  const retry = new Retry({
    total: 3,
    wait: waitFixed("1s"),
    when: async ({ response }) => (await response?.text())?.includes("temporary") === true,
  });
  const {
    session: made,
    adapter,
    clock,
  } = scripted([{ body: '{"error":"temporary_failure"}' }, { body: "{}" }], { retry });

  const body = await made.get(url).json();

  assert.deepEqual([body, adapter.requests.length, clock.sleeps], [{}, 2, [1_000]]);
});

// The budget that all calls share

test("all calls share one budget", async () => {
  const clock = scripted([{}]).clock;
  const { session: made, adapter } = scripted([busy()], {
    budget: retryBudget({ ratio: 0, minPerSecond: 0.3, window: "10s", clock }),
    retry: new Retry({ total: 3, ...listed }),
  });

  const first = await made.get(url);
  const second = await made.get(url);

  assert.deepEqual([first.attempts.length, second.attempts.length, adapter.requests.length], [4, 1, 5]);
  assert.equal(second.attempts[0]?.decision, "given-up: budget");
});

test("an aborted drain ends the wait and returns the last response with retryAt", async () => {
  const drain = new AbortController();
  const { session, adapter, clock } = scripted([{ status: 503, headers: { "retry-after": "60" } }, {}]);
  session.hooks.retry.push(() => drain.abort(new Error("enough")));

  const response = await session.get("https://a.test/", { drain: drain.signal });

  assert.equal(response.status, 503);
  assert.equal(adapter.requests.length, 1);
  assert.ok(clock.now() < 60_000);
  assert.ok(Number(response.retryAt) >= 60_000);
  assert.equal(response.attempts.at(-1)?.decision, "given-up: drain");
});

test("a call whose drain is already aborted makes one attempt", async () => {
  const { session, adapter } = scripted([{ status: 503 }, {}]);

  const response = await session.get("https://a.test/", { drain: AbortSignal.abort() });

  assert.equal(response.status, 503);
  assert.equal(adapter.requests.length, 1);
});

test("an error after a redirect has the redirects as its history", async () => {
  const { session } = scripted([to("/next"), { error: new InvalidUrlError("no") }]);

  const error = await catchFailure(session.get(url));

  assert.ok(isFailure(error));
  assert.deepEqual(
    error.history?.map(({ status, attempts }) => [status, attempts.length]),
    [[302, 1]],
  );
});
