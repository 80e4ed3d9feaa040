import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { retryAfterInBody } from "./retry-after-in-body.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "Telegram",
    { body: { ok: false, error_code: 429, parameters: { retry_after: 14 } } },
    { kind: "rate", delay: 14_000, source: "body:parameters.retry_after" },
  ],
  [
    "at the top, with a fraction",
    { body: { message: "slow down", retry_after: 0.25 } },
    { kind: "rate", delay: 250, source: "body:retry_after" },
  ],
  [
    "a text, in an overload",
    { status: 503, body: { error: { retry_after: "3" } } },
    { kind: "overload", delay: 3_000, source: "body:error.retry_after" },
  ],
  [
    "Matrix",
    { body: { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 2_000 } },
    { kind: "rate", delay: 2_000, source: "body:retry_after_ms" },
  ],
  ["less than nothing", { body: { retry_after: -5, retry_after_ms: -5 } }, undefined],
  ["what is no number", { body: { retry_after: {}, parameters: { retry_after: "soon" } } }, undefined],
  ["a 500", { status: 500, body: { retry_after: 5 } }, undefined],
  ["no body", {}, undefined],
];

for (const [what, reply, hint] of table) {
  test(`retry delay in the body: ${what}`, () => {
    assert.deepEqual(retryAfterInBody(replyWith(reply)), hint);
  });
}
