import type { Dialect, Hint } from "./dialect.ts";
import { structuredItems, type StructuredItem } from "./structured-items.ts";
import { secondsOf } from "./values.ts";

/**
 * RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10): of the policies that have nothing left
 * (`r=0`) the one that takes longest to recover (`t`, in seconds) counts. A malformed field is ignored.
 */
export const rateLimit: Dialect = ({ headers }) => {
  const field = headers.get("ratelimit");
  const spent = (field === null ? undefined : structuredItems(field))?.filter(isSpent) ?? [];
  const waits = spent.flatMap(({ name, parameters }) => {
    const delay = wholeSecondsOf(parameters.get("t"));
    return delay === undefined ? [] : [{ scope: name, delay }];
  });
  const [wait] = waits.toSorted((one, another) => another.delay - one.delay);
  if (wait === undefined) return undefined;
  return { kind: kindOf(wait.scope, headers.get("ratelimit-policy")), ...wait, source: "ratelimit" };
};

function isSpent({ parameters }: StructuredItem): boolean {
  return /^0+$/.test(parameters.get("r") ?? "");
}

function wholeSecondsOf(text = ""): number | undefined {
  return /^\d+$/.test(text) ? secondsOf(text) : undefined;
}

/** `qu` is the unit that a policy counts in. */
function kindOf(name: string, policies: string | null): Hint["kind"] {
  const policy = structuredItems(policies ?? "")?.find((item) => item.name === name);
  return policy?.parameters.get("qu") === "concurrent-requests" ? "concurrency" : "rate";
}
