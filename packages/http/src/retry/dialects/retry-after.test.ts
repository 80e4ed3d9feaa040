import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { retryAfter } from "./retry-after.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "a delay in seconds",
    { headers: { "retry-after": "7" } },
    { kind: "rate", delay: 7_000, source: "retry-after" },
  ],
  [
    "a delay of seconds with status 503",
    { status: 503, headers: { "retry-after": "7" } },
    { kind: "overload", delay: 7_000, source: "retry-after" },
  ],
  [
    "a delay of hours with status 503",
    { status: 503, headers: { "retry-after": "7200" } },
    { kind: "maintenance", delay: 7_200_000, source: "retry-after" },
  ],
  [
    "a delay in milliseconds",
    { headers: { "retry-after-ms": "700" } },
    { kind: "rate", delay: 700, source: "retry-after-ms" },
  ],
  [
    "a delay with fractions of milliseconds",
    { headers: { "retry-after-ms": "12.5" } },
    { kind: "rate", delay: 12.5, source: "retry-after-ms" },
  ],
  [
    "the header of Cosmos DB",
    { headers: { "x-ms-retry-after-ms": "9" } },
    { kind: "rate", delay: 9, source: "x-ms-retry-after-ms" },
  ],
  [
    "the header of AWS",
    { headers: { "x-amz-retry-after": "40" } },
    { kind: "rate", delay: 40, source: "x-amz-retry-after" },
  ],
  [
    "the milliseconds of a second rounded down",
    { headers: { "retry-after": "0", "retry-after-ms": "300" } },
    { kind: "rate", delay: 300, source: "retry-after-ms" },
  ],
  [
    "the second of milliseconds rounded up",
    { headers: { "retry-after": "1", "retry-after-ms": "700" } },
    { kind: "rate", delay: 1_000, source: "retry-after" },
  ],
  [
    "the longest of several lines",
    { headers: { "retry-after-ms": "5, 70, x" } },
    { kind: "rate", delay: 70, source: "retry-after-ms" },
  ],
  ["invalid delays", { headers: { "retry-after": "soon", "retry-after-ms": "-1" } }, undefined],
  ["a reply without headers", {}, undefined],
];

for (const [what, reply, hint] of table) {
  test(`retryAfter ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(retryAfter(replyWith(reply)), hint);
  });
}
