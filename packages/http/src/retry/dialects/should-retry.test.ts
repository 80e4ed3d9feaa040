import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint, Reply } from "./dialect.ts";
import { envoy, grpcPushback, shouldRetry } from "./should-retry.ts";

function said(reply: Reply): Hint | undefined {
  return shouldRetry(reply) ?? envoy(reply) ?? grpcPushback(reply);
}

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "Stripe says no",
    { status: 409, headers: { "stripe-should-retry": "false" } },
    { kind: "rate", retry: false, source: "stripe-should-retry" },
  ],
  [
    "Stripe says yes",
    { status: 500, headers: { "stripe-should-retry": "true" } },
    { kind: "overload", retry: true, source: "stripe-should-retry" },
  ],
  [
    "OpenAI says no",
    { headers: { "x-should-retry": " False" } },
    { kind: "rate", retry: false, source: "x-should-retry" },
  ],
  [
    "a no that is written twice",
    { headers: { "x-should-retry": "false, false" } },
    { kind: "rate", retry: false, source: "x-should-retry" },
  ],
  [
    "a yes and a no",
    { headers: { "stripe-should-retry": "true,false" } },
    { kind: "rate", retry: false, source: "stripe-should-retry" },
  ],
  [
    "Stripe's yes and another's no",
    { status: 503, headers: { "stripe-should-retry": "true", "x-should-retry": "false" } },
    { kind: "overload", retry: false, source: "x-should-retry" },
  ],
  ["neither yes nor no", { headers: { "x-should-retry": "maybe" } }, undefined],
  [
    "Envoy's rate limit",
    { headers: { "x-envoy-ratelimited": "true" } },
    { kind: "rate", retry: false, source: "x-envoy-ratelimited" },
  ],
  [
    "Envoy's rate limit with a Retry-After",
    { headers: { "x-envoy-ratelimited": "true", "retry-after": "1" } },
    { kind: "rate", source: "x-envoy-ratelimited" },
  ],
  [
    "Envoy's overload",
    { status: 503, headers: { "x-envoy-overloaded": "true" } },
    { kind: "overload", source: "x-envoy-overloaded" },
  ],
  [
    "gRPC's pushback",
    { status: 503, headers: { "grpc-retry-pushback-ms": "250" } },
    { kind: "overload", delay: 250, source: "grpc-retry-pushback-ms" },
  ],
  [
    "gRPC's never",
    { status: 503, headers: { "grpc-retry-pushback-ms": "-1" } },
    { kind: "overload", retry: false, source: "grpc-retry-pushback-ms" },
  ],
  [
    "gRPC's longest",
    { status: 503, headers: { "grpc-retry-pushback-ms": "2147483647" } },
    { kind: "overload", delay: 2_147_483_647, source: "grpc-retry-pushback-ms" },
  ],
  [
    "gRPC's beyond an int32",
    { status: 503, headers: { "grpc-retry-pushback-ms": "2147483648" } },
    { kind: "overload", retry: false, source: "grpc-retry-pushback-ms" },
  ],
  [
    "gRPC's nonsense",
    { status: 503, headers: { "grpc-retry-pushback-ms": "soon" } },
    { kind: "overload", retry: false, source: "grpc-retry-pushback-ms" },
  ],
  ["nothing", {}, undefined],
];

for (const [what, reply, hint] of table) {
  test(`veto: ${what}`, () => {
    assert.deepEqual(said(replyWith(reply)), hint);
  });
}
