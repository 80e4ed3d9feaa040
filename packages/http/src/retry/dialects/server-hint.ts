import { warn } from "../../support/warning.ts";
import type { Dialect, Hint, Reply } from "./dialect.ts";

const mishap = { what: "A dialect threw, and its hint is missing", code: "HOLDFAST_DIALECT" } as const;
const known = new WeakSet<Dialect>();

/**
 * Asks a dialect. One of the caller's own that throws costs its hint, not the answer: the first time, a warning of the
 * process tells of it (`HOLDFAST_DIALECT`), with where it was thrown.
 */
export function asked(dialect: Dialect, reply: Reply): Hint | undefined {
  try {
    return dialect(reply);
  } catch (error) {
    if (!known.has(dialect)) warn(mishap, error);
    known.add(dialect);
    return undefined;
  }
}
