import { toMs, type Duration } from "@holdfast/policy";

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
  options: TimeoutOptions | undefined,
  under: Timeouts = timeoutDefaults,
): Timeouts {
  if (options === undefined) return under;
  check("timeout", options, limits);
  const proxy = resolveProxyTimeouts(options.proxy, under.proxy);
  return {
    connect: limitOf("connect", options.connect ?? under.connect),
    read: limitOf("read", options.read ?? under.read),
    attempt: limitOf("attempt", options.attempt ?? under.attempt),
    total: limitOf("total", options.total ?? under.total),
    ...(proxy && { proxy }),
  };
}

function resolveProxyTimeouts(
  options: ProxyTimeoutOptions | undefined,
  under: ProxyTimeouts | undefined,
): ProxyTimeouts | undefined {
  if (options === undefined) return under;
  check("timeout.proxy", options, legs);
  const given = legs.flatMap((leg) => {
    const limit = options[leg];
    return limit === undefined ? [] : [[leg, limitOf(`proxy.${leg}`, limit)] as const];
  });
  return { ...under, ...Object.fromEntries(given) };
}

/** No time at all would be a race against the clock, and elsewhere 0 means no limit: nobody can mean it. */
function limitOf(name: string, limit: Duration): number {
  const ms = toMs(limit);
  if (ms > 0) return ms;
  throw new RangeError(`timeout.${name} must be more than 0; Infinity is no limit`);
}

const limits = ["connect", "read", "attempt", "total", "proxy"] as const;
const legs = ["connect", "tls", "tunnel", "origin"] as const;

function check(what: string, options: object, names: readonly string[]): void {
  if (typeof options !== "object") {
    throw new TypeError(`${what} takes { ${names.join(", ")} }, got ${JSON.stringify(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name))
      throw new TypeError(`${what} has no limit named ${JSON.stringify(name)}: ${names.join(", ")}`);
  }
}
