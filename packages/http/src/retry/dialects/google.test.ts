import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { google } from "./google.ts";

function info(retryDelay: unknown): unknown {
  return { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay };
}

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "RetryInfo",
    {
      body: {
        error: {
          code: 429,
          details: [{ "@type": "type.googleapis.com/google.rpc.QuotaFailure" }, info("3.5s")],
        },
      },
    },
    { kind: "rate", delay: 3_500, retry: true, source: "google:RetryInfo" },
  ],
  [
    "RetryInfo in an array of errors",
    { status: 503, body: [{ error: { details: [info("1s")] } }] },
    { kind: "overload", delay: 1_000, retry: true, source: "google:RetryInfo" },
  ],
  [
    "RetryInfo with seconds and nanos",
    { body: { error: { details: [info({ seconds: "3", nanos: 500_000_000 })] } } },
    { kind: "rate", delay: 3_500, retry: true, source: "google:RetryInfo" },
  ],
  [
    "RetryInfo with nanos only",
    { body: { error: { details: [info({ nanos: 200_000_000 })] } } },
    { kind: "rate", delay: 200, retry: true, source: "google:RetryInfo" },
  ],
  [
    "seconds that are not a number",
    { body: { error: { details: [info({ seconds: "x", nanos: 1 })] } } },
    undefined,
  ],
  [
    "nanos that are not a number",
    { body: { error: { details: [info({ seconds: 1, nanos: "x" })] } } },
    undefined,
  ],
  ["a negative delay", { body: { error: { details: [info("-1s")] } } }, undefined],
  ["an empty delay object", { body: { error: { details: [info({})] } } }, undefined],
  [
    "the rate limit of a user",
    { status: 403, body: { error: { errors: [{ reason: "userRateLimitExceeded" }] } } },
    { kind: "rate", retry: true, source: "google:userRateLimitExceeded" },
  ],
  [
    "the daily quota",
    { status: 403, body: { error: { errors: [{ reason: "dailyLimitExceeded" }] } } },
    { kind: "quota", retry: false, source: "google:dailyLimitExceeded" },
  ],
  ...["GenerateRequestsPerDayPerProjectPerModel-FreeTier", "GenerateRequestsPerMinutePerProjectPerModel"].map(
    (quotaId): (typeof table)[number] => [
      `the quota ${quotaId}`,
      {
        body: {
          error: {
            code: 429,
            status: "RESOURCE_EXHAUSTED",
            details: [
              { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [{ quotaId }] },
              info("43s"),
            ],
          },
        },
      },
      quotaId.includes("PerDay")
        ? { kind: "quota", retry: false, source: "google:QuotaFailure" }
        : { kind: "rate", delay: 43_000, retry: true, source: "google:RetryInfo" },
    ],
  ),
  [
    "an exceeded quota",
    { body: { error: { code: "quota_exceeded" } } },
    { kind: "quota", retry: false, source: "google:quota_exceeded" },
  ],
  ["an unknown reason", { status: 403, body: { error: { errors: [{ reason: "toString" }] } } }, undefined],
  ["a body that is null", { body: null }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`google ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(google(replyWith(reply)), hint);
  });
}
