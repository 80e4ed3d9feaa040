import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { openai } from "./openai.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "the spent bucket",
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
    "the later of two spent buckets",
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
    "plain seconds",
    { headers: { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "10" } },
    { kind: "rate", scope: "requests", delay: 10_000, source: "openai:x-ratelimit-reset-requests" },
  ],
  [
    "no duration",
    { headers: { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1x" } },
    undefined,
  ],
  [
    "money that is gone",
    { body: { error: { code: "insufficient_quota" } } },
    { kind: "quota", retry: false, source: "openai:insufficient_quota" },
  ],
  [
    "money that is gone, by its type",
    { body: { error: { type: "insufficient_quota", code: null } } },
    { kind: "quota", retry: false, source: "openai:insufficient_quota" },
  ],
  ["a rate", { body: { error: { code: "rate_limit_exceeded" } } }, undefined],
  ["a body that is none", { body: "insufficient_quota" }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`OpenAI: ${what}`, () => {
    assert.deepEqual(openai(replyWith(reply)), hint);
  });
}
