import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { xRateLimit } from "./x-rate-limit.ts";

function rate(delay: number, source = "x-ratelimit-reset"): Hint {
  return { kind: "rate", delay, source };
}

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  ["a reset in seconds since 1970", { headers: { "x-ratelimit-reset": "1767225609" } }, rate(9_000)],
  [
    "a reset in fractions of seconds since 1970",
    { headers: { "x-ratelimit-reset": "1767225609.123" } },
    rate(9_123),
  ],
  ["a reset in milliseconds since 1970", { headers: { "x-ratelimit-reset": "1767225609500" } }, rate(9_500)],
  ["a reset in seconds from now", { headers: { "x-ratelimit-reset": "64.57" } }, rate(64_570)],
  [
    "a reset in ISO 8601 to the minute",
    { headers: { "x-ratelimit-reset": "2026-01-01T00:05Z" } },
    rate(300_000),
  ],
  [
    "a reset in ISO 8601 with an offset",
    { headers: { "x-ratelimit-reset": "2026-01-01T01:00:09.5+01:00" } },
    rate(9_500),
  ],
  [
    "a reset that is an HTTP-date",
    { headers: { "x-ratelimit-reset": "Thu, 01 Jan 2026 00:00:09 GMT" } },
    rate(9_000),
  ],
  [
    "a reset that is a date as JavaScript prints it",
    {
      headers: { "x-ratelimit-reset": "Thu Jan 01 2026 01:00:09 GMT+0100 (Central European Standard Time)" },
    },
    rate(9_000),
  ],
  ["a reset in the past", { headers: { "x-ratelimit-reset": "1767225000" } }, rate(0)],
  ["the longer of two lines", { headers: { "x-ratelimit-reset": "3, 5" } }, rate(5_000)],
  [
    "the X-Rate-Limit-Reset of X",
    { headers: { "x-rate-limit-remaining": "0", "x-rate-limit-reset": "1767225609" } },
    rate(9_000, "x-rate-limit-reset"),
  ],
  [
    "the header of Symfony",
    { headers: { "x-ratelimit-remaining": "0", "x-ratelimit-retry-after": "8" } },
    rate(8_000, "x-ratelimit-retry-after"),
  ],
  [
    "X-RateLimit-Reset-After before X-RateLimit-Reset",
    { headers: { "x-ratelimit-reset": "1767225609", "x-ratelimit-reset-after": "2.5" } },
    rate(2_500, "x-ratelimit-reset-after"),
  ],
  [
    "a 429 with requests remaining",
    { headers: { "x-ratelimit-remaining": "12", "x-ratelimit-reset": "1767225609" } },
    undefined,
  ],
  [
    "a 500 with nothing remaining",
    { status: 500, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" } },
    rate(9_000),
  ],
  [
    "a 429 with a negative remaining",
    { headers: { "x-ratelimit-remaining": "-1", "x-ratelimit-reset": "9" } },
    rate(9_000),
  ],
  [
    "a 500 with a negative remaining",
    { status: 500, headers: { "x-ratelimit-remaining": "-1", "x-ratelimit-reset": "9" } },
    undefined,
  ],
  ["a 500 without X-RateLimit-Remaining", { status: 500, headers: { "x-ratelimit-reset": "9" } }, undefined],
  [
    "a 403 with nothing remaining",
    { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" } },
    { ...rate(9_000), retry: true },
  ],
  [
    "a 403 with requests remaining",
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
    `the invalid reset ${JSON.stringify(reset)}`,
    { headers: { "x-ratelimit-reset": reset } },
    undefined,
  ]),
];

for (const [what, reply, hint] of table) {
  test(`xRateLimit ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(xRateLimit(replyWith(reply)), hint);
  });
}
