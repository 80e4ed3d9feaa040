import type { Dialect, Hint, StatedLimit } from "./dialect.ts";
import { parseStructuredItems, type StructuredItem } from "./structured-items.ts";
import { parseSeconds } from "./values.ts";

/**
 * RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10): of the exhausted policies
 * (`r=0`) the one that takes longest to recover (`t`, in seconds) counts. A malformed field is ignored.
 */
export const rateLimit: Dialect = ({ headers }) => {
  const field = headers.get("ratelimit");
  const spent = (field === null ? undefined : parseStructuredItems(field))?.filter(isSpent) ?? [];
  const waits = spent.flatMap(({ name, parameters }) => {
    const delay = parseWholeSeconds(parameters.get("t"));
    return delay === undefined ? [] : [{ scope: name, delay }];
  });
  const [wait] = waits.toSorted((one, another) => another.delay - one.delay);
  if (wait === undefined) return undefined;
  const policy = parseStructuredItems(headers.get("ratelimit-policy") ?? "")?.find(
    ({ name }) => name === wait.scope,
  );
  const limit = toStatedLimit(policy);
  return { kind: hintKind(policy), ...wait, ...(limit !== undefined && { limit }), source: "ratelimit" };
};

function isSpent({ parameters }: StructuredItem): boolean {
  return /^0+$/.test(parameters.get("r") ?? "");
}

function parseWholeSeconds(text = ""): number | undefined {
  return /^\d+$/.test(text) ? parseSeconds(text) : undefined;
}

/** `qu` is the unit of a policy. */
function hintKind(policy: StructuredItem | undefined): Hint["kind"] {
  return policy?.parameters.get("qu") === "concurrent-requests" ? "concurrency" : "rate";
}

/** `q` requests in `w` seconds, if the unit is requests. */
function toStatedLimit(policy: StructuredItem | undefined): StatedLimit | undefined {
  const [requests, window] = ["q", "w"].map((name) => parseWholeNumber(policy?.parameters.get(name)));
  const counts = policy?.parameters.get("qu") ?? "requests";
  if (!requests || !window || counts !== "requests") return undefined;
  return { requests, window: window * 1_000 };
}

function parseWholeNumber(text = ""): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
