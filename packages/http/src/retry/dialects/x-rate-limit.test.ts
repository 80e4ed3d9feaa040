import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { xRateLimit } from "./x-rate-limit.ts";

function rate(delay: number, source = "x-ratelimit-reset"): Hint {
  return { kind: "rate", delay, source };
}

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  ["seconds since 1970", { headers: { "x-ratelimit-reset": "1767225609" } }, rate(9_000)],
  ["fractions of seconds since 1970", { headers: { "x-ratelimit-reset": "1767225609.123" } }, rate(9_123)],
  ["milliseconds since 1970", { headers: { "x-ratelimit-reset": "1767225609500" } }, rate(9_500)],
  ["seconds from now", { headers: { "x-ratelimit-reset": "64.57" } }, rate(64_570)],
  ["ISO 8601 to the minute", { headers: { "x-ratelimit-reset": "2026-01-01T00:05Z" } }, rate(300_000)],
  [
    "ISO 8601 with an offset",
    { headers: { "x-ratelimit-reset": "2026-01-01T01:00:09.5+01:00" } },
    rate(9_500),
  ],
  ["an HTTP-date", { headers: { "x-ratelimit-reset": "Thu, 01 Jan 2026 00:00:09 GMT" } }, rate(9_000)],
  [
    "a date as JavaScript prints it",
    {
      headers: { "x-ratelimit-reset": "Thu Jan 01 2026 01:00:09 GMT+0100 (Central European Standard Time)" },
    },
    rate(9_000),
  ],
  ["what is past", { headers: { "x-ratelimit-reset": "1767225000" } }, rate(0)],
  ["two lines", { headers: { "x-ratelimit-reset": "3, 5" } }, rate(5_000)],
  [
    "X's dash",
    { headers: { "x-rate-limit-remaining": "0", "x-rate-limit-reset": "1767225609" } },
    rate(9_000, "x-rate-limit-reset"),
  ],
  [
    "Symfony",
    { headers: { "x-ratelimit-remaining": "0", "x-ratelimit-retry-after": "8" } },
    rate(8_000, "x-ratelimit-retry-after"),
  ],
  [
    "Reset-After before Reset",
    { headers: { "x-ratelimit-reset": "1767225609", "x-ratelimit-reset-after": "2.5" } },
    rate(2_500, "x-ratelimit-reset-after"),
  ],
  [
    "something left",
    { headers: { "x-ratelimit-remaining": "12", "x-ratelimit-reset": "1767225609" } },
    undefined,
  ],
  [
    "nothing left with a 500",
    { status: 500, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" } },
    rate(9_000),
  ],
  [
    "less than nothing left with a 429",
    { headers: { "x-ratelimit-remaining": "-1", "x-ratelimit-reset": "9" } },
    rate(9_000),
  ],
  [
    "less than nothing left with a 500",
    { status: 500, headers: { "x-ratelimit-remaining": "-1", "x-ratelimit-reset": "9" } },
    undefined,
  ],
  [
    "a 500 that says nothing of what is left",
    { status: 500, headers: { "x-ratelimit-reset": "9" } },
    undefined,
  ],
  [
    "nothing left with a 403",
    { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" } },
    { ...rate(9_000), retry: true },
  ],
  [
    "something left with a 403",
    { status: 403, headers: { "x-ratelimit-remaining": "1", "x-ratelimit-reset": "9" } },
    undefined,
  ],
  ...[
    "123456789",
    "99999999",
    "9999999999",
    "253402300799",
    "999999999999",
    "-5",
    "soon",
    "",
    "1e9",
    "2026-01-01",
    "2026-13-01T00:00Z",
    "2026-01-01T00:05",
  ].map((reset): readonly [string, ReplyInit, undefined] => [
    `nothing of ${JSON.stringify(reset)}`,
    { headers: { "x-ratelimit-reset": reset } },
    undefined,
  ]),
];

for (const [what, reply, hint] of table) {
  test(`X-RateLimit-Reset: ${what}`, () => {
    assert.deepEqual(xRateLimit(replyWith(reply)), hint);
  });
}
