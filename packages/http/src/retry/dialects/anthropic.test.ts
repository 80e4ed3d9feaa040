import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { anthropic } from "./anthropic.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "the latest reset of the exhausted buckets",
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
    "an invalid timestamp",
    { headers: { "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "5" } },
    undefined,
  ],
  [
    "an overload with status 529",
    { status: 529, body: { type: "error", error: { type: "overloaded_error" } } },
    { kind: "overload", source: "anthropic:overloaded_error" },
  ],
  ["a 529 without a body", { status: 529 }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`anthropic ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(anthropic(replyWith(reply)), hint);
  });
}
