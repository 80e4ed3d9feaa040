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
    "RetryInfo in a list",
    { status: 503, body: [{ error: { details: [info("1s")] } }] },
    { kind: "overload", delay: 1_000, retry: true, source: "google:RetryInfo" },
  ],
  [
    "RetryInfo with a delay in two fields",
    { body: { error: { details: [info({ seconds: "3", nanos: 500_000_000 })] } } },
    { kind: "rate", delay: 3_500, retry: true, source: "google:RetryInfo" },
  ],
  [
    "RetryInfo with one of them",
    { body: { error: { details: [info({ nanos: 200_000_000 })] } } },
    { kind: "rate", delay: 200, retry: true, source: "google:RetryInfo" },
  ],
  ["seconds that are none", { body: { error: { details: [info({ seconds: "x", nanos: 1 })] } } }, undefined],
  [
    "nanoseconds that are none",
    { body: { error: { details: [info({ seconds: 1, nanos: "x" })] } } },
    undefined,
  ],
  ["a delay that is none", { body: { error: { details: [info("-1s")] } } }, undefined],
  ["a delay that is no text", { body: { error: { details: [info({})] } } }, undefined],
  [
    "a user's rate",
    { status: 403, body: { error: { errors: [{ reason: "userRateLimitExceeded" }] } } },
    { kind: "rate", retry: true, source: "google:userRateLimitExceeded" },
  ],
  [
    "a day's quota",
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
    "a quota that is exceeded",
    { body: { error: { code: "quota_exceeded" } } },
    { kind: "quota", retry: false, source: "google:quota_exceeded" },
  ],
  ["what is forbidden", { status: 403, body: { error: { errors: [{ reason: "toString" }] } } }, undefined],
  ["a body that is null", { body: null }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`Google: ${what}`, () => {
    assert.deepEqual(google(replyWith(reply)), hint);
  });
}
