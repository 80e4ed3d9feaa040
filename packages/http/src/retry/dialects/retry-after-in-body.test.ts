import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { retryAfterInBody } from "./retry-after-in-body.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "the delay of Telegram",
    { body: { ok: false, error_code: 429, parameters: { retry_after: 14 } } },
    { kind: "rate", delay: 14_000, source: "body:parameters.retry_after" },
  ],
  [
    "a fractional delay at the top level",
    { body: { message: "slow down", retry_after: 0.25 } },
    { kind: "rate", delay: 250, source: "body:retry_after" },
  ],
  [
    "a delay that is a string, with status 503",
    { status: 503, body: { error: { retry_after: "3" } } },
    { kind: "overload", delay: 3_000, source: "body:error.retry_after" },
  ],
  [
    "the delay of Matrix in milliseconds",
    { body: { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 2_000 } },
    { kind: "rate", delay: 2_000, source: "body:retry_after_ms" },
  ],
  ["a negative delay", { body: { retry_after: -5, retry_after_ms: -5 } }, undefined],
  [
    "a delay that is not a number",
    { body: { retry_after: {}, parameters: { retry_after: "soon" } } },
    undefined,
  ],
  ["a delay with status 500", { status: 500, body: { retry_after: 5 } }, undefined],
  ["a reply without a body", {}, undefined],
];

for (const [what, reply, hint] of table) {
  test(`retryAfterInBody ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(retryAfterInBody(replyWith(reply)), hint);
  });
}
