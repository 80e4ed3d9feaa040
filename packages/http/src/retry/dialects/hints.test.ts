import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import * as fc from "fast-check";
import { HttpResponse } from "../../model/response.ts";
import { sessionDefaults } from "../../session/defaults.ts";
import { fixtureNow, replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import { scripted } from "../../testing/scripted/scripted-session.ts";
import { Retry } from "../retry.ts";
import type { Dialect, Hint } from "./dialect.ts";
import { judge, type JudgedResponse } from "../judge.ts";
import { findHint, hintHeaderPattern, readHint } from "./hints.ts";
import { dialects } from "./index.ts";

const century = 100 * 365 * 86_400_000;

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Partial<Hint> | undefined])[] = [
  ["readHint returns undefined for a reply without headers", {}, undefined],
  [
    "Retry-After precedes RateLimit",
    { headers: { "retry-after": "2", ratelimit: '"a";r=0;t=50' } },
    { delay: 2_000, source: "retry-after" },
  ],
  [
    "an invalid Retry-After gives way to RateLimit",
    { headers: { "retry-after": "soon", ratelimit: '"a";r=0;t=50' } },
    { delay: 50_000, source: "ratelimit" },
  ],
  [
    "the list form of RateLimit precedes RateLimit-Reset",
    { headers: { ratelimit: '"a";r=0;t=5', "ratelimit-reset": "9" } },
    { delay: 5_000, source: "ratelimit" },
  ],
  [
    "github precedes a plain X-RateLimit-Reset",
    {
      status: 403,
      headers: {
        "x-github-request-id": "1",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1767225601",
      },
    },
    { delay: 2_000, retry: true, source: "github:x-ratelimit-reset" },
  ],
  [
    "readHint combines the retry of one dialect with the delay of another",
    { status: 403, headers: { "x-github-request-id": "1", "retry-after": "7" } },
    { delay: 7_000, retry: true, source: "retry-after" },
  ],
  [
    "a veto overrides a delay",
    { headers: { "retry-after": "7", "x-should-retry": "false" } },
    { retry: false, source: "x-should-retry" },
  ],
  [
    "an exhausted quota overrides a requested retry",
    { headers: { "x-should-retry": "true" }, body: { error: { code: "insufficient_quota" } } },
    { kind: "quota", retry: false, source: "openai:insufficient_quota" },
  ],
  [
    "readHint converts a time by the clock of a server that is an hour behind",
    {
      headers: {
        date: "Wed, 31 Dec 2025 23:00:00 GMT",
        "retry-after": "Wed, 31 Dec 2025 23:00:09 GMT",
      },
    },
    { delay: 9_000 },
  ],
  [
    "readHint converts a time by the clock of a server that is an hour ahead",
    { headers: { date: "Thu, 01 Jan 2026 01:00:00 GMT", "x-ratelimit-reset": "1767229205" } },
    { delay: 5_000 },
  ],
  [
    "readHint adds the Age of a cached response to its Date",
    {
      headers: {
        date: "Wed, 31 Dec 2025 23:59:50 GMT",
        age: "10",
        "retry-after": "Thu, 01 Jan 2026 00:00:09 GMT",
      },
    },
    { delay: 9_000 },
  ],
  [
    "readHint ignores an invalid Date",
    { headers: { date: "now", "retry-after": "Thu, 01 Jan 2026 00:00:09 GMT" } },
    { delay: 9_000 },
  ],
];

for (const [what, reply, expected] of table) {
  test(what, () => {
    const hint = readHint(replyWith(reply));

    if (hint === undefined || expected === undefined) assert.equal(hint, expected);
    else assert.partialDeepStrictEqual(hint, expected);
  });
}

test("a user's dialect keeps its place in the list, and its delay is at least 0", () => {
  const mine = (delay: number): Dialect => {
    return () => ({ kind: "rate", delay, source: "mine" });
  };
  const reply = replyWith({ headers: { "retry-after": "7" } });

  assert.equal(readHint(reply, [...dialects, mine(1)])?.source, "retry-after");
  assert.equal(readHint(reply, [mine(1), ...dialects])?.delay, 1);
  assert.equal(readHint(reply, [mine(-1)])?.delay, 0);
  assert.equal(readHint(reply, [mine(Infinity)])?.delay, century);
  assert.deepEqual(readHint(reply, [mine(NaN)]), { kind: "rate", source: "mine" });
});

test("only dialects that need the body read it", () => {
  const reply = { ...replyWith({ status: 404 }), body: () => assert.fail("the body was read") };

  assert.equal(readHint(reply), undefined);
});

const headerNames = [
  "age",
  "anthropic-ratelimit-requests-remaining",
  "anthropic-ratelimit-requests-reset",
  "date",
  "grpc-retry-pushback-ms",
  "ratelimit",
  "ratelimit-policy",
  "ratelimit-remaining",
  "ratelimit-reset",
  "retry-after",
  "retry-after-ms",
  "x-amz-retry-after",
  "x-amzn-errortype",
  "x-envoy-ratelimited",
  "x-github-request-id",
  "x-ms-retry-after-ms",
  "x-rate-limit-remaining",
  "x-rate-limit-reset",
  "x-ratelimit-bucket",
  "x-ratelimit-remaining",
  "x-ratelimit-remaining-tokens",
  "x-ratelimit-reset",
  "x-ratelimit-reset-after",
  "x-ratelimit-reset-tokens",
  "x-ratelimit-retry-after",
  "x-shopify-shop-api-call-limit",
  "x-should-retry",
];
const words = fc.constantFrom(
  "0",
  "-1",
  "9",
  "9".repeat(400),
  "1767225609",
  "1767225609123",
  ".5",
  "1e400",
  "NaN",
  "Infinity",
  "m",
  "s",
  "ms",
  '"a"',
  ";r=0",
  ";t=9",
  ";t=",
  ",",
  ":",
  "2026-01-01T00:00Z",
  "+99:99",
  "T",
  "Thu, 01 Jan 2026 00:00:09 GMT",
  "Thu Jan 01 2026 01:00:09 GMT+9999 (x)",
  " ",
  "limit=1",
  "reset=9",
);
const values = fc.oneof(
  fc.constant("0"),
  fc.string({ unit: "binary" }),
  fc.array(words, { maxLength: 5 }).map((parts) => parts.join("")),
  fc.double().map(String),
  fc.bigInt().map(String),
);
// A JSON value that cannot be converted to a string or a number.
const unprintable = { toString: 1, valueOf: 1 };
const bodies = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom("message", "code", "retry_after").map((name) => ({ [name]: unprintable })),
  fc.constantFrom("code", "type", "details", "errors").map((name) => ({ error: { [name]: unprintable } })),
  fc.constant({ error: { errors: [{ reason: unprintable }], details: [unprintable] } }),
  fc
    .constantFrom(unprintable, { seconds: unprintable }, { seconds: 1, nanos: unprintable })
    .map((retryDelay) => {
      const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay }];
      return { error: { details }, parameters: { retry_after: unprintable }, retry_after_ms: unprintable };
    }),
  fc.record({
    retry_after: fc.oneof(fc.double(), fc.string()),
    code: fc.jsonValue(),
    message: fc.jsonValue(),
    error: fc.record({
      code: fc.jsonValue(),
      details: fc.array(
        fc.record({ "@type": fc.constant("type.googleapis.com/google.rpc.RetryInfo"), retryDelay: values }),
      ),
      errors: fc.array(fc.jsonValue()),
    }),
  }),
  fc.record({
    errors: fc.constant([{ extensions: { code: "THROTTLED" } }]),
    extensions: fc.record({
      cost: fc.record({
        requestedQueryCost: fc.double(),
        throttleStatus: fc.record({
          currentlyAvailable: fc.double(),
          restoreRate: fc.oneof(fc.double(), fc.constant(unprintable)),
        }),
      }),
    }),
  }),
);

test("no reply makes a dialect throw, or return a delay below 0 or beyond a century", () => {
  const replies = fc.record({
    status: fc.constantFrom(200, 400, 403, 429, 500, 503, 529),
    headers: fc.dictionary(fc.constantFrom(...headerNames), values, { maxKeys: 12 }),
    body: bodies,
  });
  let found = 0;

  fc.assert(
    fc.property(replies, fc.integer({ min: 0, max: fixtureNow * 3 }), (init, now) => {
      const reply = { ...replyWith(init), now };
      const hints = [...dialects.map((dialect) => dialect(reply)), readHint(reply)];
      for (const hint of hints) {
        const { delay = 0 } = hint ?? {};
        assert.ok(delay >= 0 && Number.isFinite(delay), `${JSON.stringify(init)} gave ${delay}`);
        found += hint === undefined ? 0 : 1;
      }
    }),
    { numRuns: 3_000 },
  );
  assert.ok(found > 1_000, `only ${found} hints were found`);
});

test("hintHeaderPattern matches every header that a dialect reads", () => {
  const read = new Set<string>();
  const headers = {
    get: (name: string): string | null => {
      read.add(name);
      // Some dialects read a second header only when the first one has this value.
      return name.includes("remaining") ? "0" : "1";
    },
  };
  for (const status of [200, 403, 429, 503, 529])
    for (const dialect of dialects) dialect({ status, headers, now: 0, body: () => ({}) });

  assert.ok(read.size > 20, [...read].join(" "));
  assert.deepEqual(
    [...read].filter((name) => !hintHeaderPattern.test(name)),
    [],
  );
});

function answer(headers: Readonly<Record<string, string>>, body = ""): HttpResponse {
  const content = new TextEncoder().encode(body);
  return new HttpResponse({ status: 429, statusText: "", url: "https://a.test/", headers, content });
}

const judgedAnswer = (...args: Parameters<typeof answer>): JudgedResponse => judge(answer(...args));

test("findHint reads headers and JSON or XML bodies only", () => {
  const quota = `{"error":{"code":"insufficient_quota"}}`;

  assert.equal(findHint(judgedAnswer({ "retry-after": "3" }), dialects, 0)?.delay, 3_000);
  assert.equal(
    findHint(judgedAnswer({ "content-type": "application/json" }, quota), dialects, 0)?.kind,
    "quota",
  );
  assert.equal(
    findHint(judgedAnswer({ "content-type": "Application/JSON" }, quota), dialects, 0)?.kind,
    "quota",
  );
  const throttled = "<Error><Code>ThrottlingException</Code></Error>";
  assert.equal(findHint(judgedAnswer({ "content-type": "text/xml" }, throttled), dialects, 0)?.retry, true);
  assert.equal(
    findHint(judgedAnswer({ "content-type": "text/html", date: "now" }, quota), dialects, 0),
    undefined,
  );
});

test("a user's dialect is always called", () => {
  const own = (): Hint => ({ kind: "rate", delay: 7, source: "own" });

  assert.equal(findHint(judgedAnswer({}), [own], 0)?.delay, 7);
});

test("a Retry and those derived from it share the built-in list of dialects", () => {
  const retry = new Retry({ total: 3, statusForcelist: [503] });
  const left = retry.increment({ method: "GET", url: "/", response: { status: 503 } });

  assert.deepEqual([retry.dialects === dialects, left.dialects === dialects], [true, true]);
});

test("a dialect that throws loses its hint, not the response, and warns once", async () => {
  let calls = 0;
  const broken: Dialect = () => {
    calls += 1;
    throw new TypeError("no such field in token=s3cret");
  };
  const retry = sessionDefaults.retry.new({ total: 1, dialects: [broken, ...dialects] });
  const limited = { status: 429, headers: { "retry-after": "1" } };
  const { session, adapter } = scripted([limited, limited], { retry });
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);

  const warned = once(process, "warning");
  const response = await session.get("https://a.test/");
  await warned;
  process.off("warning", note);

  assert.deepEqual([response.status, adapter.requests.length, warnings.length], [429, 2, 1]);
  assert.equal(response.attempts[0]?.delaySource, "retry-after");
  assert.ok(calls > 1, String(calls));
  const [warning] = warnings;
  assert.deepEqual(
    [warning?.name, warning?.message],
    ["HoldfastWarning", "A dialect threw, and its hint is missing: TypeError: no such field in token=***"],
  );
  assert.match(String(Reflect.get(warning ?? {}, "detail")), /^ {4}at .*hints\.test\.ts/);
});
