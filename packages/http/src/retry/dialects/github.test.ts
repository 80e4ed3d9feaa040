import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { github } from "./github.ts";

const mark = { "x-github-request-id": "C0DE:1" };

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "the primary limit",
    {
      status: 403,
      headers: {
        ...mark,
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1767225609",
        "x-ratelimit-resource": "core",
      },
    },
    { kind: "rate", scope: "core", delay: 10_000, retry: true, source: "github:x-ratelimit-reset" },
  ],
  [
    "the primary limit as a 429",
    { headers: { ...mark, "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225609" } },
    { kind: "rate", delay: 10_000, retry: true, source: "github:x-ratelimit-reset" },
  ],
  [
    "the secondary limit",
    {
      status: 403,
      headers: { ...mark, "x-ratelimit-remaining": "12" },
      body: { message: "You have exceeded a secondary rate limit. Please wait a few minutes" },
    },
    { kind: "rate", delay: 60_000, retry: true, source: "github:secondary-rate-limit" },
  ],
  [
    "the secondary limit with a Retry-After",
    { status: 403, headers: { ...mark, "retry-after": "7" } },
    { kind: "rate", retry: true, source: "github:secondary-rate-limit" },
  ],
  [
    "a forbidden resource",
    {
      status: 403,
      headers: { ...mark, "x-ratelimit-remaining": "12", "x-ratelimit-reset": "1767225609" },
      body: { message: "Resource not accessible" },
    },
    undefined,
  ],
  [
    "a reset that is not a number",
    { status: 403, headers: { ...mark, "x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon" } },
    undefined,
  ],
  [
    "the older message of the secondary limit",
    {
      status: 403,
      headers: mark,
      body: { message: "You have triggered an abuse detection mechanism. Please wait a few minutes" },
    },
    { kind: "rate", delay: 60_000, retry: true, source: "github:secondary-rate-limit" },
  ],
  [
    "the primary limit without GitHub headers",
    {
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225609" },
      body: { message: "API rate limit exceeded", documentation_url: "https://docs.github.com/rest" },
    },
    { kind: "rate", delay: 10_000, retry: true, source: "github:x-ratelimit-reset" },
  ],
  [
    "the secondary limit without GitHub headers",
    { status: 403, body: { message: "You have exceeded a secondary rate limit." } },
    { kind: "rate", delay: 60_000, retry: true, source: "github:secondary-rate-limit" },
  ],
  [
    "the secondary limit with a Retry-After and without GitHub headers",
    {
      status: 403,
      headers: { "retry-after": "7" },
      body: { message: "You have exceeded a secondary rate limit." },
    },
    { kind: "rate", retry: true, source: "github:secondary-rate-limit" },
  ],
  [
    "a forbidden resource without GitHub headers",
    {
      status: 403,
      headers: { "x-ratelimit-remaining": "12", "retry-after": "7" },
      body: { message: "Resource not accessible", documentation_url: "https://docs.github.com/rest" },
    },
    undefined,
  ],
  [
    "the 403 of another site",
    { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225609" } },
    undefined,
  ],
  [
    "a 500",
    { status: 500, headers: { ...mark, "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225609" } },
    undefined,
  ],
];

for (const [what, reply, hint] of table) {
  test(`github ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(github(replyWith(reply)), hint);
  });
}
