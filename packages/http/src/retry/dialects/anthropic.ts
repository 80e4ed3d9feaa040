import type { Dialect } from "./dialect.ts";
import { readNamedBuckets, type BucketNames } from "./buckets.ts";
import { readText, delayUntilTimestamp } from "./values.ts";

const anthropicBuckets: BucketNames = {
  vendor: "anthropic",
  buckets: ["requests", "tokens", "input-tokens", "output-tokens"],
  header: (bucket, field) => `anthropic-ratelimit-${bucket}-${field}`,
  read: delayUntilTimestamp,
};

/**
 * Anthropic: buckets with resets as RFC 3339 timestamps. A 529 means an overloaded service, not a limit of the client (the
 * pages "Rate limits" and "Errors" of Anthropic).
 */
export const anthropic: Dialect = (reply) => overloaded(reply) ?? readNamedBuckets(reply, anthropicBuckets);

const overloaded: Dialect = ({ status, body }) => {
  const said = status === 529 && readText(body?.(), "error", "type") === "overloaded_error";
  return said ? { kind: "overload", source: "anthropic:overloaded_error" } : undefined;
};
