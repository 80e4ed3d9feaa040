import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint, Reply } from "./dialect.ts";
import { envoy, grpcPushback, shouldRetry } from "./should-retry.ts";

function vetoDialects(reply: Reply): Hint | undefined {
  return shouldRetry(reply) ?? envoy(reply) ?? grpcPushback(reply);
}

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "Stripe-Should-Retry: false",
    { status: 409, headers: { "stripe-should-retry": "false" } },
    { kind: "rate", retry: false, source: "stripe-should-retry" },
  ],
  [
    "Stripe-Should-Retry: true",
    { status: 500, headers: { "stripe-should-retry": "true" } },
    { kind: "overload", retry: true, source: "stripe-should-retry" },
  ],
  [
    "X-Should-Retry: false",
    { headers: { "x-should-retry": " False" } },
    { kind: "rate", retry: false, source: "x-should-retry" },
  ],
  [
    "X-Should-Retry: false on two lines",
    { headers: { "x-should-retry": "false, false" } },
    { kind: "rate", retry: false, source: "x-should-retry" },
  ],
  [
    "true and false in one header as false",
    { headers: { "stripe-should-retry": "true,false" } },
    { kind: "rate", retry: false, source: "stripe-should-retry" },
  ],
  [
    "X-Should-Retry: false before Stripe-Should-Retry: true",
    { status: 503, headers: { "stripe-should-retry": "true", "x-should-retry": "false" } },
    { kind: "overload", retry: false, source: "x-should-retry" },
  ],
  ["a value that is neither true nor false", { headers: { "x-should-retry": "maybe" } }, undefined],
  [
    "the rate limit of Envoy",
    { headers: { "x-envoy-ratelimited": "true" } },
    { kind: "rate", retry: false, source: "x-envoy-ratelimited" },
  ],
  [
    "the rate limit of Envoy with a Retry-After",
    { headers: { "x-envoy-ratelimited": "true", "retry-after": "1" } },
    { kind: "rate", source: "x-envoy-ratelimited" },
  ],
  [
    "the overload of Envoy",
    { status: 503, headers: { "x-envoy-overloaded": "true" } },
    { kind: "overload", source: "x-envoy-overloaded" },
  ],
  [
    "the pushback of gRPC",
    { status: 503, headers: { "grpc-retry-pushback-ms": "250" } },
    { kind: "overload", delay: 250, source: "grpc-retry-pushback-ms" },
  ],
  [
    "a negative pushback of gRPC as a veto",
    { status: 503, headers: { "grpc-retry-pushback-ms": "-1" } },
    { kind: "overload", retry: false, source: "grpc-retry-pushback-ms" },
  ],
  [
    "the longest pushback of gRPC",
    { status: 503, headers: { "grpc-retry-pushback-ms": "2147483647" } },
    { kind: "overload", delay: 2_147_483_647, source: "grpc-retry-pushback-ms" },
  ],
  [
    "a pushback of gRPC beyond an int32 as a veto",
    { status: 503, headers: { "grpc-retry-pushback-ms": "2147483648" } },
    { kind: "overload", retry: false, source: "grpc-retry-pushback-ms" },
  ],
  [
    "an invalid pushback of gRPC as a veto",
    { status: 503, headers: { "grpc-retry-pushback-ms": "soon" } },
    { kind: "overload", retry: false, source: "grpc-retry-pushback-ms" },
  ],
  ["a reply without headers", {}, undefined],
];

for (const [what, reply, hint] of table) {
  test(`veto dialects: ${hint === undefined ? "ignore" : "recognise"} ${what}`, () => {
    assert.deepEqual(vetoDialects(replyWith(reply)), hint);
  });
}
