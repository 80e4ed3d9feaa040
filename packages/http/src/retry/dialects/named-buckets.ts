import type { Hint, Reply } from "./dialect.ts";
import { isSpent, longest } from "./values.ts";

/** How one vendor names its buckets, and writes when one is full again. */
export interface BucketNames {
  readonly vendor: string;
  readonly buckets: readonly string[];
  /** Gives the header of a bucket. */
  readonly header: (bucket: string, field: "remaining" | "reset") => string;
  readonly read: (text: string, now: number) => number | undefined;
}

/** Reads several buckets that are drawn on at once: the wait is that of the spent one which takes longest. */
export function namedBuckets({ headers, now }: Reply, names: BucketNames): Hint | undefined {
  const waits = names.buckets.flatMap((scope) => {
    if (!isSpent(headers.get(names.header(scope, "remaining")) ?? "")) return [];
    const source = names.header(scope, "reset");
    const delay = longest(headers.get(source), (text) => names.read(text, now));
    return delay === undefined ? [] : [{ scope, delay, source: `${names.vendor}:${source}` }];
  });
  const [wait] = waits.toSorted((one, other) => other.delay - one.delay);
  return wait === undefined ? undefined : { kind: "rate", ...wait };
}
