import { ownValue } from "@holdfast/policy/internal";
import type { Dialect, Hint } from "./dialect.ts";
import { readList, readText } from "./values.ts";

const problemStatuses: ReadonlySet<number> = new Set([403, 429, 503]);
const types: Readonly<Record<string, Pick<Hint, "kind" | "retry">>> = {
  "quota-exceeded": { kind: "rate" },
  "temporary-reduced-capacity": { kind: "overload" },
  "abnormal-usage-detected": { kind: "rate", retry: false },
};

/**
 * The problem types of draft-ietf-httpapi-ratelimit-headers-10, in a JSON body (RFC 9457). The first violated policy is the
 * scope. The type for abnormal usage forbids another attempt.
 */
export const problem: Dialect = ({ status, body }) => {
  if (!problemStatuses.has(status)) return undefined;
  const answer = body?.();
  const [, type = ""] = /#([a-z-]+)$/.exec(readText(answer, "type")) ?? [];
  const meant = ownValue(types, type);
  if (meant === undefined) return undefined;
  const [scope] = readList(answer, "violated-policies");
  return { ...meant, ...(typeof scope === "string" && { scope }), source: `problem:${type}` };
};
