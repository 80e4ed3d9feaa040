import type { Hint, Reply } from "./dialect.ts";
import { isSpent, longest, secondsOf, untilReset } from "./values.ts";

const limiting: ReadonlySet<number> = new Set([420, 429]);

/**
 * Reads the headers `<prefix>remaining`, `<prefix>reset` and their kin. Servers send them with every answer, so they ask
 * for a wait only when nothing remains, or where the status says so and they don't. A 403 with nothing left means the
 * limit, as GitHub's does.
 */
export function bucketHint({ status, headers, now }: Reply, prefix: string): Hint | undefined {
  const remaining = headers.get(`${prefix}remaining`);
  // Below nothing is less than nothing for some, and no limit for others: then the status decides.
  const unsaid = remaining === null || remaining.trim().startsWith("-");
  if (unsaid ? !limiting.has(status) : !isSpent(remaining)) return undefined;
  const bucket = headers.get(`${prefix}bucket`) ?? headers.get(`${prefix}resource`);
  const rest = { ...(bucket !== null && { scope: bucket }), ...(status === 403 && { retry: true }) };
  for (const name of ["reset-after", "retry-after", "reset"]) {
    const source = prefix + name;
    const read = name === "reset-after" ? secondsOf : (text: string) => untilReset(text, now);
    const delay = longest(headers.get(source), read);
    if (delay !== undefined) return { kind: "rate", delay, ...rest, source };
  }
  return undefined;
}
