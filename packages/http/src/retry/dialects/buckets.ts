import type { Hint, Reply } from "./dialect.ts";
import { isNothingLeft, longestDelay, parseSeconds, delayUntilReset } from "./values.ts";

const limitStatuses: ReadonlySet<number> = new Set([420, 429]);

/**
 * Reads the headers `<prefix>remaining`, `<prefix>reset` and related ones. Servers send them with every response. They mean a
 * wait only if nothing remains, or if the count is missing and the status means a limit. A 403 with nothing remaining means
 * the limit, as with GitHub.
 */
export function readBucketHeaders({ status, headers, now }: Reply, prefix: string): Hint | undefined {
  const remaining = headers.get(`${prefix}remaining`);
  // A negative count means exhausted for some servers, and unlimited for others: then the status decides.
  const isUnknown = remaining === null || remaining.trim().startsWith("-");
  if (isUnknown ? !limitStatuses.has(status) : !isNothingLeft(remaining)) return undefined;
  const bucket = headers.get(`${prefix}bucket`) ?? headers.get(`${prefix}resource`);
  const rest = { ...(bucket !== null && { scope: bucket }), ...(status === 403 && { retry: true }) };
  for (const name of ["reset-after", "retry-after", "reset"]) {
    const source = prefix + name;
    const read = name === "reset-after" ? parseSeconds : (text: string) => delayUntilReset(text, now);
    const delay = longestDelay(headers.get(source), read);
    if (delay !== undefined) return { kind: "rate", delay, ...rest, source };
  }
  return undefined;
}

/** The buckets of a vendor, and the headers that describe them. */
export interface BucketNames {
  readonly vendor: string;
  readonly buckets: readonly string[];
  /** Returns the header of a bucket. */
  readonly header: (bucket: string, field: "remaining" | "reset") => string;
  readonly read: (text: string, now: number) => number | undefined;
}

/** Reads several buckets that count the same request. The longest wait of the exhausted ones counts. */
export function readNamedBuckets({ headers, now }: Reply, names: BucketNames): Hint | undefined {
  const waits = names.buckets.flatMap((scope) => {
    if (!isNothingLeft(headers.get(names.header(scope, "remaining")) ?? "")) return [];
    const source = names.header(scope, "reset");
    const delay = longestDelay(headers.get(source), (text) => names.read(text, now));
    return delay === undefined ? [] : [{ scope, delay, source: `${names.vendor}:${source}` }];
  });
  const [wait] = waits.toSorted((one, other) => other.delay - one.delay);
  return wait === undefined ? undefined : { kind: "rate", ...wait };
}
