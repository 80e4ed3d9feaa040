/** What is counted of a proxy. */
export interface ProxyCounts {
  readonly requests: number;
  readonly successes: number;
  /** Answers that refused the address: 403 and challenge pages. */
  readonly blocks: number;
  readonly throttles: number;
  /** Failures on the way, the proxy's own included. */
  readonly failures: number;
  readonly cooldowns: number;
  /** The rests by what led to them, such as `{ "http-403": 2, "proxy-auth": 1 }`. */
  readonly cooldownReasons: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** Requests that were answered before a block, on average; undefined without one. */
  readonly requestsBeforeBlock: number | undefined;
}

/** How a proxy does. */
export interface ProxyStats extends ProxyCounts {
  /** What may be shown of it. */
  readonly proxy: string;
  readonly tier: string;
  readonly state: "available" | "cooling-down" | "probing" | "retired";
  /** Requests that it carries now. */
  readonly inFlight: number;
  /** Where it rests: for one host, or without `host` for all. Times are milliseconds since 1970. */
  readonly activeCooldowns: readonly {
    readonly host?: string;
    readonly reason: string;
    readonly until: number;
  }[];
}

/** How a pool does: plain data, without credentials. */
export interface ProxyPoolStats {
  readonly proxies: readonly ProxyStats[];
  readonly tiers: readonly TierCounts[];
  /** Sticky identities that are kept. */
  readonly identities: number;
  /** Hosts that are remembered. */
  readonly hosts: number;
}

/** What is counted of a tier. */
export interface TierCounts {
  readonly name: string;
  readonly requests: number;
  readonly successes: number;
  readonly bytes: number;
  /** In the currency of its prices. */
  readonly cost: number;
  /** How often it took over from a cheaper one, at any host. */
  readonly escalations: number;
}
