import { idempotentMethods as idempotent } from "@holdfast/policy/internal";
import { frozenSet } from "../support/frozen-set.ts";

/** The HTTP methods that have the same effect once and twice (RFC 9110 §9.2.2). */
export const idempotentMethods: ReadonlySet<string> = frozenSet(idempotent);

/** Returns whether sending a request of this method twice has the effect of sending it once. */
export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method.toUpperCase());
}
