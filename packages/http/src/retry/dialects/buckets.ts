import type { Hint, Reply } from "./dialect.ts";
import { isNothingLeft, longestDelay, parseSeconds, delayUntilReset } from "./values.ts";

const limiting: ReadonlySet<number> = new Set([420, 429]);

/**
 * Reads the headers `<prefix>remaining`, `<prefix>reset` and their kin. Servers send them with every answer, so they ask
 * for a wait only when nothing remains, or where the status says so and they don't. A 403 with nothing left means the
 * limit, as GitHub's does.
 */
export function readBucketHeaders({ status, headers, now }: Reply, prefix: string): Hint | undefined {
  const remaining = headers.get(`${prefix}remaining`);
  // Below nothing is less than nothing for some, and no limit for others: then the status decides.
  const unsaid = remaining === null || remaining.trim().startsWith("-");
  if (unsaid ? !limiting.has(status) : !isNothingLeft(remaining)) return undefined;
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

/** How one vendor names its buckets, and writes when one is full again. */
export interface BucketNames {
  readonly vendor: string;
  readonly buckets: readonly string[];
  /** Gives the header of a bucket. */
  readonly header: (bucket: string, field: "remaining" | "reset") => string;
  readonly read: (text: string, now: number) => number | undefined;
}

/** Reads several buckets that are drawn on at once: the wait is that of the spent one which takes longest. */
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
