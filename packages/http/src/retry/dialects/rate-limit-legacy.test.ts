import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { rateLimitLegacy } from "./rate-limit-legacy.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "seconds from now",
    { headers: { "ratelimit-reset": "1" } },
    { kind: "rate", delay: 1_000, source: "ratelimit-reset" },
  ],
  [
    "nothing left",
    { status: 503, headers: { "ratelimit-remaining": "0", "ratelimit-reset": "3" } },
    { kind: "rate", delay: 3_000, source: "ratelimit-reset" },
  ],
  ["something left", { headers: { "ratelimit-remaining": "5", "ratelimit-reset": "3" } }, undefined],
  [
    "a 503 that says nothing of what is left",
    { status: 503, headers: { "ratelimit-reset": "3" } },
    undefined,
  ],
  [
    "an instant",
    { headers: { "ratelimit-reset": "1767225609" } },
    { kind: "rate", delay: 9_000, source: "ratelimit-reset" },
  ],
  [
    "the dictionary",
    { headers: { ratelimit: "limit=100, remaining=0, reset=30" } },
    { kind: "rate", delay: 30_000, source: "ratelimit" },
  ],
  [
    "the dictionary with something left",
    { headers: { ratelimit: "limit=100, remaining=5, reset=30" } },
    undefined,
  ],
  ["the list is not the dictionary", { headers: { ratelimit: '"default";r=0;t=50' } }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`RateLimit-Reset: ${what}`, () => {
    assert.deepEqual(rateLimitLegacy(replyWith(reply)), hint);
  });
}
