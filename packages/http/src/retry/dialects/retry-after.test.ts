import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { retryAfter } from "./retry-after.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  ["seconds", { headers: { "retry-after": "7" } }, { kind: "rate", delay: 7_000, source: "retry-after" }],
  [
    "a 503",
    { status: 503, headers: { "retry-after": "7" } },
    { kind: "overload", delay: 7_000, source: "retry-after" },
  ],
  [
    "hours",
    { status: 503, headers: { "retry-after": "7200" } },
    { kind: "maintenance", delay: 7_200_000, source: "retry-after" },
  ],
  [
    "milliseconds",
    { headers: { "retry-after-ms": "700" } },
    { kind: "rate", delay: 700, source: "retry-after-ms" },
  ],
  [
    "fractions of milliseconds",
    { headers: { "retry-after-ms": "12.5" } },
    { kind: "rate", delay: 12.5, source: "retry-after-ms" },
  ],
  [
    "Cosmos DB",
    { headers: { "x-ms-retry-after-ms": "9" } },
    { kind: "rate", delay: 9, source: "x-ms-retry-after-ms" },
  ],
  [
    "AWS",
    { headers: { "x-amz-retry-after": "40" } },
    { kind: "rate", delay: 40, source: "x-amz-retry-after" },
  ],
  [
    "a second rounded down",
    { headers: { "retry-after": "0", "retry-after-ms": "300" } },
    { kind: "rate", delay: 300, source: "retry-after-ms" },
  ],
  [
    "a second rounded up",
    { headers: { "retry-after": "1", "retry-after-ms": "700" } },
    { kind: "rate", delay: 1_000, source: "retry-after" },
  ],
  [
    "several lines",
    { headers: { "retry-after-ms": "5, 70, x" } },
    { kind: "rate", delay: 70, source: "retry-after-ms" },
  ],
  ["nonsense", { headers: { "retry-after": "soon", "retry-after-ms": "-1" } }, undefined],
  ["nothing", {}, undefined],
];

for (const [what, reply, hint] of table) {
  test(`Retry-After: ${what}`, () => {
    assert.deepEqual(retryAfter(replyWith(reply)), hint);
  });
}
