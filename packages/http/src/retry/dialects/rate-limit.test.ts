import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { rateLimit } from "./rate-limit.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "an exhausted policy",
    { headers: { ratelimit: '"default";r=0;t=50' } },
    { kind: "rate", scope: "default", delay: 50_000, source: "ratelimit" },
  ],
  [
    "a policy name without quotes",
    { headers: { ratelimit: "quota;r=0;t=1" } },
    { kind: "rate", scope: "quota", delay: 1_000, source: "ratelimit" },
  ],
  [
    "the exhausted policy with the longest reset",
    { headers: { ratelimit: '"a";r=0;t=5, "b";r=0;t=9,"c";r=1;t=99' } },
    { kind: "rate", scope: "b", delay: 9_000, source: "ratelimit" },
  ],
  ["a policy with requests remaining", { headers: { ratelimit: '"default";r=3;t=50' } }, undefined],
  ["a policy without a reset", { headers: { ratelimit: '"default";r=0' } }, undefined],
  [
    "a partition key and a name with escaped quotes",
    { headers: { ratelimit: String.raw`"a\"b";pk=:Y2FmZQ==:;r=0;t=2;x` } },
    { kind: "rate", scope: 'a"b', delay: 2_000, source: "ratelimit" },
  ],
  [
    "a limit of concurrent requests",
    {
      headers: { ratelimit: '"c";r=0;t=2', "ratelimit-policy": '"d";q=9, "c";q=2;qu="concurrent-requests"' },
    },
    { kind: "concurrency", scope: "c", delay: 2_000, source: "ratelimit" },
  ],
  [
    "an exhausted policy next to a malformed RateLimit-Policy",
    { headers: { ratelimit: '"c";r=0;t=2', "ratelimit-policy": '"c' } },
    { kind: "rate", scope: "c", delay: 2_000, source: "ratelimit" },
  ],
  ...[
    '"default;r=0;t=50',
    '"a";r=0;t=1,',
    '"a" "b";r=0;t=1',
    '"a";r=0;t=-1',
    '"a";r=0;t=1.5',
    '"a";r=0;t="1"x',
    "",
    "1;r=0;t=1",
    '"a";R=0;t=1',
    '"a";r=0;t=12345678901234567',
  ].map((ratelimit): readonly [string, ReplyInit, undefined] => [
    `the malformed value ${JSON.stringify(ratelimit)}`,
    { headers: { ratelimit } },
    undefined,
  ]),
];

for (const [what, reply, hint] of table) {
  test(`rateLimit ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(rateLimit(replyWith(reply)), hint);
  });
}
