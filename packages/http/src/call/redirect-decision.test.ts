import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { RetryError } from "@holdfast/policy";
import { noBody, type Body } from "../model/body.ts";
import { TooManyRedirectsError } from "../errors/transport-errors.ts";
import { decideRedirect, type RedirectDecision } from "./redirect-decision.ts";
import { HttpResponse } from "../model/response.ts";
import type { RetryInit } from "../retry/options.ts";
import { Retry } from "../retry/retry.ts";

const now = Date.UTC(2026, 0, 1);

interface Case {
  readonly status?: number;
  readonly location?: string | readonly string[];
  readonly retryAfter?: string;
  readonly body?: Body;
  readonly rule?: RetryInit;
  readonly maxRedirects?: number | null;
  readonly followed?: number;
  readonly timeLeft?: number;
}

function hopOf({
  status = 302,
  location = "/next",
  retryAfter,
  body = noBody,
  rule = {},
  maxRedirects = 30,
  followed = 0,
  timeLeft = Infinity,
}: Case): RedirectDecision {
  const url = new URL("https://a.test/");
  const headers = { location, ...(retryAfter !== undefined && { "retry-after": retryAfter }) };
  return decideRedirect({
    request: { method: "PUT", url, headers: { authorization: "a", "x-key": "k", "x-other": "o" }, body },
    response: new HttpResponse({ status, statusText: "", url: url.href, headers, content: new Uint8Array() }),
    retry: new Retry(rule),
    followed,
    maxRedirects,
    sensitiveHeaders: ["x-key"],
    now,
    timeLeft,
  });
}

const waits: readonly (readonly [what: string, arrival: Case, hop: string])[] = [
  ["a redirect", {}, "go after 0"],
  ["a redirect with a Retry-After", { retryAfter: "7" }, "go after 7000"],
  ["a redirect with a Retry-After date", { retryAfter: "Thu, 01 Jan 2026 00:00:09 GMT" }, "go after 9000"],
  ["a redirect with an invalid Retry-After", { retryAfter: "soon" }, "go after 0"],
  [
    "a redirect with a Retry-After that the retry ignores",
    { retryAfter: "7", rule: { respectRetryAfterHeader: false } },
    "go after 0",
  ],
  [
    "a redirect with a Retry-After equal to the limit",
    { retryAfter: "60", rule: { retryAfterMax: "60s" } },
    "go after 60000",
  ],
  [
    "a redirect with a Retry-After above the limit",
    { retryAfter: "61", rule: { retryAfterMax: "60s" } },
    `stop until ${now + 61_000}`,
  ],
  [
    "a redirect with a Retry-After beyond the deadline",
    { retryAfter: "7", timeLeft: 7_000 },
    `stop until ${now + 7_000}`,
  ],
  ["a redirect with a Retry-After of 0 at the deadline", { retryAfter: "0", timeLeft: 0 }, "go after 0"],
  ["a 200", { status: 200 }, "stop"],
  ["a 300", { status: 300 }, "stop"],
  ["an empty Location", { location: "" }, "stop"],
  ["two Locations that differ", { location: ["/one", "/two"] }, "stop"],
  ["a Location with another scheme", { location: "file:///etc/passwd" }, "stop"],
  ["redirects switched off", { maxRedirects: 0 }, "stop"],
  [
    "a redirect that repeats a sent stream",
    { status: 307, body: { kind: "one-shot", stream: Readable.from(["x"]) } },
    "stop",
  ],
  [
    "a redirect that drops a sent stream",
    { status: 303, body: { kind: "one-shot", stream: Readable.from(["x"]) } },
    "go after 0",
  ],
  ["the last allowed redirect", { maxRedirects: 3, followed: 2 }, "go after 0"],
  ["a retry with redirect: false", { rule: { redirect: false } }, "stop"],
  ["a retry that is switched off", { rule: { total: false } }, "stop"],
  ["a retry with a total of 0", { rule: { total: 0 } }, "go after 0"],
  ["the last redirect of a retry", { rule: { redirect: 1 } }, "go after 0"],
  [
    "exhausted redirects of a retry with raiseOnRedirect: false",
    { rule: { redirect: 0, raiseOnRedirect: false } },
    "stop",
  ],
  ["counters with redirect: false", { maxRedirects: null, rule: { redirect: false } }, "stop"],
  [
    "exhausted counters with raiseOnRedirect: false",
    { maxRedirects: null, rule: { redirect: 0, raiseOnRedirect: false } },
    "stop",
  ],
];

for (const [what, arrival, expected] of waits) {
  test(`decides "${expected}" for ${what}`, () => {
    const hop = hopOf(arrival);

    const read = hop.follow
      ? `go after ${hop.delay}`
      : `stop${hop.tooLate === undefined ? "" : ` until ${hop.tooLate.retryAt}`}`;
    assert.equal(read, expected);
  });
}

test("throws an error with the target, without credentials, for one redirect too many", () => {
  assert.throws(
    () => hopOf({ maxRedirects: 3, followed: 3, location: "/next?token=s3cret" }),
    (error: Error) =>
      error instanceof TooManyRedirectsError &&
      error.message === "More than 3 redirects, the last one to https://a.test/next?token=***",
  );
});

test("throws an error if the redirects of the retry are used up", () => {
  assert.throws(() => hopOf({ rule: { redirect: 0 }, followed: 2 }), {
    name: "TooManyRedirectsError",
    message: /^More than 2 redirects, /,
  });
});

test("throws as urllib3 does if its counters are used up", () => {
  assert.throws(() => hopOf({ maxRedirects: null, rule: { redirect: 0 } }), RetryError);
});

test("counts a redirect in every counter, but with maxRedirects only in `redirect`", () => {
  const [counted, alone] = [
    hopOf({ maxRedirects: null, rule: { total: 3, redirect: 2 } }),
    hopOf({ rule: { total: 3, redirect: 2 } }),
  ];

  assert.ok(counted.follow && alone.follow);
  assert.deepEqual(
    [counted.retry.total, counted.retry.redirect, alone.retry.total, alone.retry.redirect],
    [2, 1, 3, 1],
  );
});

test("removes the sensitive headers of the session and of the retry on another origin", () => {
  const [same, other] = [
    hopOf({ rule: { removeHeadersOnRedirect: ["X-Other"] } }),
    hopOf({ location: "https://b.test/", rule: { removeHeadersOnRedirect: ["X-Other"] } }),
  ];

  assert.ok(same.follow && other.follow);
  assert.deepEqual(
    [Object.keys(same.request.headers), Object.keys(other.request.headers)],
    [["authorization", "x-key", "x-other"], []],
  );
});

test("accepts a Location that is repeated unchanged", () => {
  const hop = hopOf({ location: ["/one", "/one"] });

  assert.equal(hop.follow && hop.request.url.pathname, "/one");
});
