import type { Duration } from "@holdfast/policy";
import { isDuration, toMs } from "@holdfast/policy/internal";
import { isObject, kind, options, timeLimit, type Check } from "../support/validate.ts";

/**
 * The limits of connecting through a proxy, one for each phase. `connect` of the request limits all phases together. A phase that
 * takes too long is a fault of the proxy, except `origin`.
 */
export interface ProxyTimeoutOptions {
  /** Name lookup of the proxy and TCP to it. @default half of `connect` */
  readonly connect?: Duration;
  /** TLS with an https proxy. @default half of `connect` */
  readonly tls?: Duration;
  /** From the CONNECT request, or the SOCKS greeting, to an open tunnel. @default the rest of `connect` */
  readonly tunnel?: Duration;
  /** TLS with the origin, through the tunnel. @default the rest of `connect` */
  readonly origin?: Duration;
}

/** The configured limits of connecting through a proxy, in milliseconds. */
export type ProxyTimeouts = Readonly<Partial<Record<keyof ProxyTimeoutOptions, number>>>;

/** The limits of a request. Each must be more than 0. `total` ends the whole call, every other one ends an attempt. */
export interface TimeoutOptions {
  /** Name lookup, TCP to all addresses of the host, the proxy, and TLS. @default "5s" */
  readonly connect?: Duration;
  /** Limits for the phases of connecting through a proxy. */
  readonly proxy?: ProxyTimeoutOptions;
  /** Silence before the head is complete, and between two pieces of the body. Interim responses extend it, at most tenfold. @default "30s" */
  readonly read?: Duration;
  /** One attempt, from its start to the last byte of the body. @default Infinity */
  readonly attempt?: Duration;
  /** The whole call: attempts, waits, redirects and bodies. @default Infinity */
  readonly total?: Duration;
  /**
   * The time of all attempts of a call on the wire, summed. Waits do not count, nor does time in which bytes move at `minSpeed` or
   * faster. @default Infinity
   */
  readonly wire?: Duration;
}

/** The option `timeout`: limits, which are merged over the limits in force, or the limit of the whole call. */
export type TimeoutSetting = Duration | TimeoutOptions;

/** The limits of a request in milliseconds, complete. */
export interface Timeouts {
  readonly connect: number;
  readonly proxy?: ProxyTimeouts;
  readonly read: number;
  readonly attempt: number;
  readonly total: number;
  readonly wire: number;
  /** Slowest body, in bytes a second; 0 for any. */
  readonly minSpeed: number;
}

export const timeoutDefaults: Timeouts = {
  connect: 5_000,
  read: 30_000,
  attempt: Infinity,
  total: Infinity,
  wire: Infinity,
  minSpeed: 100,
};

/**
 * Returns `under` with the given limits replaced. A duration replaces `total`.
 *
 * @throws RangeError for a value that is not a duration.
 */
export function resolveTimeouts(
  setting: TimeoutSetting | undefined,
  under: Timeouts = timeoutDefaults,
): Timeouts {
  if (setting === undefined) return under;
  const given = typeof setting === "object" ? setting : { total: setting };
  const proxy = resolveProxyTimeouts(given.proxy, under.proxy);
  return {
    connect: toMs(given.connect ?? under.connect),
    read: toMs(given.read ?? under.read),
    attempt: toMs(given.attempt ?? under.attempt),
    total: toMs(given.total ?? under.total),
    wire: toMs(given.wire ?? under.wire),
    minSpeed: under.minSpeed,
    ...(proxy && { proxy }),
  };
}

function resolveProxyTimeouts(
  given: ProxyTimeoutOptions | undefined,
  under: ProxyTimeouts | undefined,
): ProxyTimeouts | undefined {
  if (given === undefined) return under;
  const entries = proxyPhases.flatMap((phase) => {
    const limit = given[phase];
    return limit === undefined ? [] : [[phase, toMs(limit)] as const];
  });
  return { ...under, ...Object.fromEntries(entries) };
}

const proxyPhases = ["connect", "tls", "tunnel", "origin"] as const;

const timeoutFields: Check = options<TimeoutOptions>(
  {
    connect: timeLimit,
    read: timeLimit,
    attempt: timeLimit,
    total: timeLimit,
    wire: timeLimit,
    proxy: options<ProxyTimeoutOptions>({
      connect: timeLimit,
      tls: timeLimit,
      tunnel: timeLimit,
      origin: timeLimit,
    }),
  },
  // got and undici
  {
    request: "total",
    response: "read",
    headers: "read",
    body: "read",
    send: "read",
    socket: "read",
    lookup: "connect",
    secureConnect: "connect",
    deadline: "total",
  },
);

const anyTimeout = kind({
  wanted: 'a limit of the whole call such as "30s", or limits such as { connect: "5s", read: "30s" }',
  fits: (value) => isDuration(value) && toMs(value) > 0,
  type: "number",
});

/** Validates a `timeout` option. */
export const timeoutCheck: Check = (value) =>
  isObject(value) && !Array.isArray(value) ? timeoutFields(value) : anyTimeout(value);
