import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { discord } from "./discord.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "the limit of a bucket",
    { headers: { "x-ratelimit-bucket": "abcd" }, body: { message: "?", retry_after: 64.57, global: false } },
    { kind: "rate", scope: "abcd", delay: 64_570, source: "discord:retry_after" },
  ],
  [
    "the global limit",
    { headers: { "x-ratelimit-global": "true" }, body: { retry_after: 1 } },
    { kind: "rate", scope: "global", delay: 1_000, source: "discord:retry_after" },
  ],
  ...[
    { headers: { "x-ratelimit-global": "True" }, body: { retry_after: 1 } },
    { headers: { "x-ratelimit-bucket": "abcd" }, body: { retry_after: 1, global: true } },
    { headers: { "x-ratelimit-scope": "global" }, body: { retry_after: 1 } },
  ].map((reply, number): (typeof table)[number] => [
    `the global limit in another form (${number + 1})`,
    reply,
    { kind: "rate", scope: "global", delay: 1_000, source: "discord:retry_after" },
  ]),
  [
    "a shared limit",
    { headers: { "x-ratelimit-bucket": "abcd", "x-ratelimit-scope": "shared" }, body: { retry_after: 1 } },
    { kind: "rate", scope: "abcd", delay: 1_000, source: "discord:retry_after" },
  ],
  [
    "a limit without a body, with no delay",
    { headers: { "x-ratelimit-bucket": "abcd" } },
    { kind: "rate", scope: "abcd", source: "discord:retry_after" },
  ],
  [
    "a negative retry_after, with no delay",
    { headers: { "x-ratelimit-bucket": "abcd" }, body: { retry_after: -1 } },
    { kind: "rate", scope: "abcd", source: "discord:retry_after" },
  ],
  ["a body without Discord headers", { body: { retry_after: 5 } }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`discord ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(discord(replyWith(reply)), hint);
  });
}
