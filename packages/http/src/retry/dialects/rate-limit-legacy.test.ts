import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { rateLimitLegacy } from "./rate-limit-legacy.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "a RateLimit-Reset in seconds from now",
    { headers: { "ratelimit-reset": "1" } },
    { kind: "rate", delay: 1_000, source: "ratelimit-reset" },
  ],
  [
    "a 503 with nothing remaining",
    { status: 503, headers: { "ratelimit-remaining": "0", "ratelimit-reset": "3" } },
    { kind: "rate", delay: 3_000, source: "ratelimit-reset" },
  ],
  [
    "a RateLimit-Reset with requests remaining",
    { headers: { "ratelimit-remaining": "5", "ratelimit-reset": "3" } },
    undefined,
  ],
  ["a 503 without RateLimit-Remaining", { status: 503, headers: { "ratelimit-reset": "3" } }, undefined],
  [
    "a RateLimit-Reset that is a time stamp",
    { headers: { "ratelimit-reset": "1767225609" } },
    { kind: "rate", delay: 9_000, source: "ratelimit-reset" },
  ],
  [
    "the dictionary form of RateLimit",
    { headers: { ratelimit: "limit=100, remaining=0, reset=30" } },
    { kind: "rate", delay: 30_000, source: "ratelimit" },
  ],
  [
    "the dictionary form with requests remaining",
    { headers: { ratelimit: "limit=100, remaining=5, reset=30" } },
    undefined,
  ],
  ["the list form of RateLimit", { headers: { ratelimit: '"default";r=0;t=50' } }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`rateLimitLegacy ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(rateLimitLegacy(replyWith(reply)), hint);
  });
}
