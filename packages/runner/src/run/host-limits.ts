import type { Duration } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import type { HostRule } from "../host/host-state.ts";

/** The limits of a user for one host. */
export interface HostLimits {
  /** Requests at a time. */
  readonly perHost?: number;
  /** Requests per second. */
  readonly rate?: number;
  /** Shortest time between the starts of two requests. */
  readonly delay?: Duration;
}

export interface HostLimitOptions extends HostLimits {
  readonly perHost: number;
  readonly hostRules?: Readonly<Record<string, HostLimits>>;
  /** In ms. */
  readonly giveUp: number;
}

const names: readonly string[] = ["perHost", "rate", "delay"] satisfies (keyof HostLimits)[];

/**
 * Returns the rule of each host key: the limits for all hosts, with those for this one in their place.
 *
 * @throws TypeError or RangeError for the first wrong limit.
 */
export function hostRules({
  giveUp,
  hostRules: own = {},
  ...limits
}: HostLimitOptions): (key: string) => HostRule {
  const general = toRule("", limits, { perHost: limits.perHost, interval: 0, giveUp });
  const rules = new Map(
    Object.entries(own).map(([key, each]) => [
      key.toLowerCase(),
      toRule(`hostRules["${key}"].`, each, general),
    ]),
  );
  return (key) => rules.get(key) ?? general;
}

function toRule(path: string, limits: HostLimits, base: HostRule): HostRule {
  const unknown = Object.keys(limits).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new TypeError(`${path}${unknown} is not a limit of a host: it has ${names.join(", ")}`);
  const { perHost = base.perHost, rate, delay } = limits;
  if (!Number.isInteger(perHost) || perHost < 1)
    throw new RangeError(`${path}perHost must be an integer of at least 1, got ${perHost}`);
  if (rate === undefined && delay === undefined) return { ...base, perHost };
  return { ...base, perHost, interval: Math.max(intervalOf(`${path}rate`, rate), toMs(delay ?? 0)) };
}

/** Returns the time between two requests at a rate per second, in ms. @throws RangeError for a rate that is not above 0. */
export function intervalOf(name: string, perSecond: number | undefined): number {
  if (perSecond === undefined) return 0;
  if (perSecond > 0) return 1_000 / perSecond;
  throw new RangeError(`${name} must be a number above 0, got ${perSecond}`);
}
