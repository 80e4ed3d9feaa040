import type { Duration } from "@holdfast/policy";
import { isDuration, toMs } from "@holdfast/policy/internal";
import { kind, options, type Check } from "../support/validate.ts";

/**
 * The limits of the way through a proxy, one for each leg. None of them can exceed `connect`, which holds for all legs
 * together; whichever passes is the proxy's fault, but for the last.
 */
export interface ProxyTimeoutOptions {
  /** The proxy's name and TCP to it. @default half of `connect` */
  readonly connect?: Duration;
  /** TLS with an https proxy. @default half of `connect` */
  readonly tls?: Duration;
  /** From CONNECT, or the first word of SOCKS, to the proxy's word that the tunnel stands. @default what is left of `connect` */
  readonly tunnel?: Duration;
  /** TLS with the origin, through the tunnel. @default what is left of `connect` */
  readonly origin?: Duration;
}

/** The limits of the way through a proxy in milliseconds, as far as they were given. */
export type ProxyTimeouts = Readonly<Partial<Record<keyof ProxyTimeoutOptions, number>>>;

/** The limits of a request, more than 0 each. Each one that passes ends an attempt, and `total` the whole call. */
export interface TimeoutOptions {
  /** Name, TCP and TLS, over all addresses of the host, and the proxy where there is one. @default "5s" */
  readonly connect?: Duration;
  readonly proxy?: ProxyTimeoutOptions;
  /** Silence: until the head is whole, and between two pieces of the body; interim answers extend it tenfold at most. @default "30s" */
  readonly read?: Duration;
  /** One attempt from its start to the last byte of its body. @default Infinity */
  readonly attempt?: Duration;
  /** The whole call: attempts, waits, redirects and bodies. @default Infinity */
  readonly total?: Duration;
}

/** Limits in milliseconds, none missing. */
export interface Timeouts {
  readonly connect: number;
  readonly proxy?: ProxyTimeouts;
  readonly read: number;
  readonly attempt: number;
  readonly total: number;
}

export const timeoutDefaults: Timeouts = { connect: 5_000, read: 30_000, attempt: Infinity, total: Infinity };

/**
 * Lays limits over others: what is not given stays as it was.
 *
 * @throws TypeError for a limit that there is none of, RangeError for one that is no duration, or 0.
 */
export function resolveTimeouts(
  given: TimeoutOptions | undefined,
  under: Timeouts = timeoutDefaults,
): Timeouts {
  if (given === undefined) return under;
  const proxy = resolveProxyTimeouts(given.proxy, under.proxy);
  return {
    connect: toMs(given.connect ?? under.connect),
    read: toMs(given.read ?? under.read),
    attempt: toMs(given.attempt ?? under.attempt),
    total: toMs(given.total ?? under.total),
    ...(proxy && { proxy }),
  };
}

function resolveProxyTimeouts(
  given: ProxyTimeoutOptions | undefined,
  under: ProxyTimeouts | undefined,
): ProxyTimeouts | undefined {
  if (given === undefined) return under;
  const said = proxyPhases.flatMap((leg) => {
    const limit = given[leg];
    return limit === undefined ? [] : [[leg, toMs(limit)] as const];
  });
  return { ...under, ...Object.fromEntries(said) };
}

const proxyPhases = ["connect", "tls", "tunnel", "origin"] as const;

// No time at all would be a race against the clock, and elsewhere 0 means no limit: nobody can mean it.
const limit = kind({
  wanted: 'milliseconds, more than 0, or a text such as "30s"',
  fits: (value) => isDuration(value) && toMs(value) > 0,
  type: "number",
});

/** What the limits of a request may be. */
export const timeoutCheck: Check = options<TimeoutOptions>({
  connect: limit,
  read: limit,
  attempt: limit,
  total: limit,
  proxy: options<ProxyTimeoutOptions>({
    connect: limit,
    tls: limit,
    tunnel: limit,
    origin: limit,
  }),
});
