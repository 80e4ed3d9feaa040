import { parseRetryAfter } from "../retry-after.ts";
import type { Dialect, Hint } from "./dialect.ts";
import { longestMilliseconds } from "./values.ts";

/** The headers of Azure, OpenAI and Anthropic; of Cosmos DB; of AWS. */
const inMilliseconds = ["retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after"];
const hour = 3_600_000;

/**
 * Retry-After (RFC 9110 §10.2.3), and similar headers in milliseconds. The longest counts: `Retry-After: 0` with
 * `retry-after-ms: 300` is a rounded 300 ms.
 */
export const retryAfter: Dialect = ({ status, headers, now }) => {
  const value = headers.get("retry-after");
  const waits = [
    value === null ? undefined : parseRetryAfter(value, now),
    ...inMilliseconds.map((source) => {
      const delay = longestMilliseconds(headers.get(source));
      return delay === undefined ? undefined : { delay, source };
    }),
  ].filter((wait) => wait !== undefined);
  const [wait] = waits.toSorted((one, other) => other.delay - one.delay);
  return wait === undefined ? undefined : { kind: hintKind(status, wait.delay), ...wait };
};

function hintKind(status: number, delay: number): Hint["kind"] {
  if (status < 500) return "rate";
  return delay < hour ? "overload" : "maintenance";
}
