import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { discord } from "./discord.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "a bucket",
    { headers: { "x-ratelimit-bucket": "abcd" }, body: { message: "?", retry_after: 64.57, global: false } },
    { kind: "rate", scope: "abcd", delay: 64_570, source: "discord:retry_after" },
  ],
  [
    "the limit for all",
    { headers: { "x-ratelimit-global": "true" }, body: { retry_after: 1 } },
    { kind: "rate", scope: "global", delay: 1_000, source: "discord:retry_after" },
  ],
  ...[
    { headers: { "x-ratelimit-global": "True" }, body: { retry_after: 1 } },
    { headers: { "x-ratelimit-bucket": "abcd" }, body: { retry_after: 1, global: true } },
    { headers: { "x-ratelimit-scope": "global" }, body: { retry_after: 1 } },
  ].map((reply, number): (typeof table)[number] => [
    `the limit for all, said otherwise (${number + 1})`,
    reply,
    { kind: "rate", scope: "global", delay: 1_000, source: "discord:retry_after" },
  ]),
  [
    "a limit that others have used up",
    { headers: { "x-ratelimit-bucket": "abcd", "x-ratelimit-scope": "shared" }, body: { retry_after: 1 } },
    { kind: "rate", scope: "abcd", delay: 1_000, source: "discord:retry_after" },
  ],
  [
    "no body",
    { headers: { "x-ratelimit-bucket": "abcd" } },
    { kind: "rate", scope: "abcd", source: "discord:retry_after" },
  ],
  [
    "less than nothing",
    { headers: { "x-ratelimit-bucket": "abcd" }, body: { retry_after: -1 } },
    { kind: "rate", scope: "abcd", source: "discord:retry_after" },
  ],
  ["somebody else's body", { body: { retry_after: 5 } }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`Discord: ${what}`, () => {
    assert.deepEqual(discord(replyWith(reply)), hint);
  });
}
