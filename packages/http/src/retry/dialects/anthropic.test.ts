import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { anthropic } from "./anthropic.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "the latest of the spent buckets",
    {
      headers: {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:05Z",
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "2026-01-01T00:00:09Z",
        "anthropic-ratelimit-tokens-remaining": "1",
        "anthropic-ratelimit-tokens-reset": "2026-01-01T01:00:00Z",
      },
    },
    {
      kind: "rate",
      scope: "input-tokens",
      delay: 9_000,
      source: "anthropic:anthropic-ratelimit-input-tokens-reset",
    },
  ],
  [
    "a timestamp that is none",
    { headers: { "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "5" } },
    undefined,
  ],
  [
    "an overload",
    { status: 529, body: { type: "error", error: { type: "overloaded_error" } } },
    { kind: "overload", source: "anthropic:overloaded_error" },
  ],
  ["another 529", { status: 529 }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`Anthropic: ${what}`, () => {
    assert.deepEqual(anthropic(replyWith(reply)), hint);
  });
}
