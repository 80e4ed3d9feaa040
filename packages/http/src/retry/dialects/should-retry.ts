import type { Dialect } from "./dialect.ts";
import { longestMilliseconds } from "./values.ts";

/** The headers of Stripe, and of OpenAI and Anthropic. */
const shouldRetryHeaders = ["stripe-should-retry", "x-should-retry"];

/** Stripe-Should-Retry and x-should-retry: the decision of the server, which overrides every rule on statuses. */
export const shouldRetry: Dialect = ({ status, headers }) => {
  const statements = shouldRetryHeaders.map((source) => ({
    source,
    words: listMembers(headers.get(source)),
  }));
  // If the headers disagree, `false` wins.
  for (const word of ["false", "true"]) {
    const found = statements.find(({ words }) => words.includes(word));
    if (found !== undefined)
      return { kind: status < 500 ? "rate" : "overload", retry: word === "true", source: found.source };
  }
  return undefined;
};

function listMembers(text: string | null): readonly string[] {
  return (text ?? "").split(",").map((word) => word.trim().toLowerCase());
}

/**
 * The headers of Envoy (its "Router" page). `x-envoy-ratelimited` forbids another attempt, unless there is a Retry-After.
 * `x-envoy-overloaded` gives the reason of a rejection.
 */
export const envoy: Dialect = ({ headers }) => {
  if (headers.get("x-envoy-ratelimited") !== null) {
    const source = "x-envoy-ratelimited";
    return headers.get("retry-after") === null
      ? { kind: "rate", retry: false, source }
      : { kind: "rate", source };
  }
  return headers.get("x-envoy-overloaded") === null
    ? undefined
    : { kind: "overload", source: "x-envoy-overloaded" };
};

// The largest int32 (gRFC A6).
const longestPushback = 2 ** 31 - 1;

/** gRPC pushback (gRFC A6): milliseconds to wait. Any other value forbids another attempt. */
export const grpcPushback: Dialect = ({ headers }) => {
  const source = "grpc-retry-pushback-ms";
  const pushback = headers.get(source);
  if (pushback === null) return undefined;
  const delay = /^\s*\d+\s*$/.test(pushback) ? longestMilliseconds(pushback) : undefined;
  return delay === undefined || delay > longestPushback
    ? { kind: "overload", retry: false, source }
    : { kind: "overload", delay, source };
};
