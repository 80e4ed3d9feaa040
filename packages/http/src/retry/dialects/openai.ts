import type { Dialect } from "./dialect.ts";
import { namedBuckets, type BucketNames } from "./named-buckets.ts";
import { goDurationOf, textIn, untilReset } from "./values.ts";

const names: BucketNames = {
  vendor: "openai",
  buckets: ["requests", "tokens"],
  header: (bucket, field) => `x-ratelimit-${field}-${bucket}`,
  read: (text, now) => goDurationOf(text) ?? untilReset(text, now),
};
const usedUp: ReadonlySet<string> = new Set([
  "insufficient_quota",
  "credit_balance_exhausted",
  "enforced_spend_limit_reached",
]);

/**
 * OpenAI, and those who copy it: two buckets, each with its reset as a Go duration, or of the
 * latter as plain seconds. A 429 may also mean that the money is
 * gone, which no waiting brings back (OpenAI's pages "Rate limits" and "Error codes").
 */
export const openai: Dialect = (reply) => unpaid(reply) ?? namedBuckets(reply, names);

const unpaid: Dialect = ({ status, body }) => {
  if (status !== 402 && status !== 403 && status !== 429) return undefined;
  const answer = body?.();
  const said = ["code", "type"].map((name) => textIn(answer, "error", name)).find((word) => usedUp.has(word));
  return said === undefined ? undefined : { kind: "quota", retry: false, source: `openai:${said}` };
};
