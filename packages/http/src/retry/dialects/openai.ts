import type { Dialect, Reply } from "./dialect.ts";
import { readNamedBuckets, type BucketNames } from "./buckets.ts";
import {
  readField,
  parseGoDuration,
  isNothingLeft,
  longestDelay,
  readText,
  delayUntilReset,
} from "./values.ts";

const openaiBuckets: BucketNames = {
  vendor: "openai",
  buckets: ["requests", "tokens"],
  header: (bucket, field) => `x-ratelimit-${field}-${bucket}`,
  read: (text, now) => parseGoDuration(text) ?? delayUntilReset(text, now),
};
const usedUp: ReadonlySet<string> = new Set([
  "insufficient_quota",
  "billing_not_active",
  "billing_hard_limit_reached",
  "credit_balance_exhausted",
  "enforced_spend_limit_reached",
]);

/**
 * OpenAI and compatible APIs: two buckets, each with its reset as a Go duration. Some compatible APIs use plain seconds.
 *
 * - A bucket may have too little left for the request. Then the error names the bucket, and its message states the wait.
 * - A 429 may also mean an exhausted budget, where waiting does not help.
 *
 * See the pages "Rate limits" and "Error codes" of OpenAI.
 */
export const openai: Dialect = (reply) => unpaid(reply) ?? limited(reply);

const limited: Dialect = (reply) => {
  const [spent, short] = [readNamedBuckets(reply, openaiBuckets), tooLittle(reply)];
  return (short?.delay ?? 0) > (spent?.delay ?? 0) ? short : spent;
};

const tooLittle: Dialect = ({ status, headers, body, now }) => {
  if (status !== 429 || !openaiBuckets.buckets.some((bucket) => hasMore(headers, bucket))) return undefined;
  const error = readField(body?.(), "error");
  const scope = readText(error, "type");
  if (!openaiBuckets.buckets.includes(scope) || !hasMore(headers, scope)) return undefined;
  const [, statedWait = ""] =
    /try again in ([\d.hmsuµn]{1,40}?)\.?(?:\s|$)/.exec(readText(error, "message")) ?? [];
  const messageDelay = parseGoDuration(statedWait);
  if (messageDelay !== undefined)
    return { kind: "rate", scope, delay: messageDelay, source: "openai:error.message" };
  const source = openaiBuckets.header(scope, "reset");
  const delay = longestDelay(headers.get(source), (text) => openaiBuckets.read(text, now));
  return delay === undefined ? undefined : { kind: "rate", scope, delay, source: `openai:${source}` };
};

/** Returns whether a bucket states a remainder above 0. */
function hasMore(headers: Reply["headers"], bucket: string): boolean {
  const remaining = headers.get(openaiBuckets.header(bucket, "remaining"));
  return remaining !== null && !isNothingLeft(remaining);
}

const unpaid: Dialect = ({ status, body }) => {
  if (status !== 402 && status !== 403 && status !== 429) return undefined;
  const json = body?.();
  const code = ["code", "type"].map((name) => readText(json, "error", name)).find((word) => usedUp.has(word));
  return code === undefined ? undefined : { kind: "quota", retry: false, source: `openai:${code}` };
};
