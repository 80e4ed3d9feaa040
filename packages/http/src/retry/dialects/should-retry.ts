import type { Dialect } from "./dialect.ts";
import { longestDelay, parseMilliseconds } from "./values.ts";

/** Stripe writes the first, OpenAI and Anthropic the second. */
const verdicts = ["stripe-should-retry", "x-should-retry"];

/** Stripe-Should-Retry and x-should-retry: the server's own word, which goes before every rule on statuses. */
export const shouldRetry: Dialect = ({ status, headers }) => {
  const said = verdicts.map((source) => ({ source, words: wordsOf(headers.get(source)) }));
  // Written twice, or by two, a no overrules.
  for (const word of ["false", "true"]) {
    const found = said.find(({ words }) => words.includes(word));
    if (found !== undefined)
      return { kind: status < 500 ? "rate" : "overload", retry: word === "true", source: found.source };
  }
  return undefined;
};

function wordsOf(text: string | null): readonly string[] {
  return (text ?? "").split(",").map((word) => word.trim().toLowerCase());
}

/**
 * Envoy's words to the Envoys before it (Envoy's "Router" page). `x-envoy-ratelimited` says not to try again, unless a
 * Retry-After says when; `x-envoy-overloaded` says why a request was turned away.
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

// An int32, as gRFC A6 has it.
const longestPushback = 2 ** 31 - 1;

/** gRPC's pushback (gRFC A6): milliseconds to wait; whatever else it says means never. */
export const grpcPushback: Dialect = ({ headers }) => {
  const source = "grpc-retry-pushback-ms";
  const asked = headers.get(source);
  if (asked === null) return undefined;
  const delay = /^\s*\d+\s*$/.test(asked) ? longestDelay(asked, parseMilliseconds) : undefined;
  return delay === undefined || delay > longestPushback
    ? { kind: "overload", retry: false, source }
    : { kind: "overload", delay, source };
};
