import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { openai } from "./openai.ts";

/** Returns the refusal of a request that needs more tokens than remain. */
function tooLittle(message: string, left: string, requests = "499"): ReplyInit {
  return {
    headers: {
      "x-ratelimit-remaining-requests": requests,
      "x-ratelimit-reset-requests": "9s",
      "x-ratelimit-remaining-tokens": left,
      "x-ratelimit-reset-tokens": "6m0s",
    },
    body: { error: { code: "rate_limit_exceeded", type: "tokens", message } },
  };
}

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "the exhausted bucket",
    {
      headers: {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "6m0s",
        "x-ratelimit-remaining-tokens": "9",
        "x-ratelimit-reset-tokens": "1h",
      },
    },
    { kind: "rate", scope: "requests", delay: 360_000, source: "openai:x-ratelimit-reset-requests" },
  ],
  [
    "the later reset of two exhausted buckets",
    {
      headers: {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "12ms",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "1.5s",
      },
    },
    { kind: "rate", scope: "tokens", delay: 1_500, source: "openai:x-ratelimit-reset-tokens" },
  ],
  [
    "a reset in plain seconds",
    { headers: { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "10" } },
    { kind: "rate", scope: "requests", delay: 10_000, source: "openai:x-ratelimit-reset-requests" },
  ],
  [
    "a reset that is not a duration",
    { headers: { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1x" } },
    undefined,
  ],
  [
    "an insufficient quota by its code",
    { body: { error: { code: "insufficient_quota" } } },
    { kind: "quota", retry: false, source: "openai:insufficient_quota" },
  ],
  [
    "an insufficient quota by its type",
    { body: { error: { type: "insufficient_quota", code: null } } },
    { kind: "quota", retry: false, source: "openai:insufficient_quota" },
  ],
  ...["billing_not_active", "billing_hard_limit_reached"].map((code): (typeof table)[number] => [
    `the code ${code}`,
    { body: { error: { code } } },
    { kind: "quota", retry: false, source: `openai:${code}` },
  ]),
  [
    "a bucket with too few tokens for the request",
    tooLittle("Rate limit reached", "150"),
    { kind: "rate", scope: "tokens", delay: 360_000, source: "openai:x-ratelimit-reset-tokens" },
  ],
  [
    "the wait in the message for a bucket with too few tokens",
    tooLittle("Limit 30000, Used 29850, Requested 1200. Please try again in 2.1s. Visit", "150"),
    { kind: "rate", scope: "tokens", delay: 2_100, source: "openai:error.message" },
  ],
  [
    "an exhausted bucket next to one with too few tokens",
    tooLittle("Please try again in 20ms.", "150", "0"),
    { kind: "rate", scope: "requests", delay: 9_000, source: "openai:x-ratelimit-reset-requests" },
  ],
  [
    "the reset of an exhausted bucket instead of the wait in the message",
    tooLittle("Please try again in 2.1s.", "0"),
    { kind: "rate", scope: "tokens", delay: 360_000, source: "openai:x-ratelimit-reset-tokens" },
  ],
  ["a rate limit without headers", { body: { error: { code: "rate_limit_exceeded" } } }, undefined],
  ["a body that is not an object", { body: "insufficient_quota" }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`openai ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(openai(replyWith(reply)), hint);
  });
}
