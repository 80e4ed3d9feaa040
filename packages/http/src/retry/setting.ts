import { isOwnInstance } from "@holdfast/policy/internal";
import { isObject, kind, type Check } from "../support/validate.ts";
import type { RetryInit } from "./options.ts";
import { Retry } from "./retry.ts";
import { retryCheck } from "./validate-options.ts";

/**
 * The option `retry` of a session, an adapter or a request: a number of retries, `false` for none, options to merge over the
 * rule in force, or a `Retry` that replaces it.
 */
export type RetrySetting = Retry | RetryInit | number | false;

/** Returns the rule of a `retry` option. `under` is the rule in force. */
export function resolveRetry(setting: RetrySetting | undefined, under: Retry): Retry {
  if (setting === undefined) return under;
  if (setting instanceof Retry) return ownCopy(setting);
  if (typeof setting === "object") return under.new(setting);
  return under.new({ total: setting === false ? 0 : setting });
}

/** Returns a `Retry` of this copy of the package. Of a `Retry` of another version, the options that both have count. */
function ownCopy(given: Retry): Retry {
  if (isOwnInstance(Retry, given)) return given;
  const known = Object.keys(Retry.default);
  return new Retry(Object.fromEntries(Object.entries(given).filter(([name]) => known.includes(name))));
}

const anyRetry = kind({
  wanted: "a number of retries, 0 or more, false for none, options such as { total: 5 }, or a Retry",
  fits: (value) =>
    value === false ||
    (typeof value === "number" && value >= 0 && (Number.isInteger(value) || value === Infinity)),
  type: "number",
});

/** Checks a `retry` option. */
export const retrySettingCheck: Check = (value) => {
  if (value instanceof Retry) return undefined;
  return isObject(value) && !Array.isArray(value) ? retryCheck(value) : anyRetry(value);
};
