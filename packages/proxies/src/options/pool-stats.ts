/** Counts of one proxy. */
export interface ProxyCounts {
  readonly requests: number;
  readonly successes: number;
  /** Responses that reject the proxy's address: 403 and challenge pages. */
  readonly blocks: number;
  readonly throttles: number;
  /** Failures on the way, including those of the proxy itself. */
  readonly failures: number;
  readonly cooldowns: number;
  /** Cooldowns by reason, such as `{ "http-403": 2, "proxy-auth": 1 }`. */
  readonly cooldownReasons: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** Average number of requests before a block; undefined without one. */
  readonly requestsBeforeBlock: number | undefined;
}

/** Statistics of one proxy. */
export interface ProxyStats extends ProxyCounts {
  /** Label without credentials. */
  readonly proxy: string;
  readonly tier: string;
  readonly state: "available" | "cooling-down" | "probing" | "retired";
  /** Requests in flight. */
  readonly inFlight: number;
  /** Cooldowns in effect: for one host, or for every host if `host` is absent. Times are milliseconds since 1970. */
  readonly activeCooldowns: readonly {
    readonly host?: string;
    readonly reason: string;
    readonly until: number;
  }[];
}

/** Statistics of a pool: plain data without credentials. */
export interface ProxyPoolStats {
  readonly proxies: readonly ProxyStats[];
  readonly tiers: readonly TierCounts[];
  /** Number of sticky identities. */
  readonly identities: number;
  /** Number of hosts that the pool remembers. */
  readonly hosts: number;
}

/** Counts of one tier. */
export interface TierCounts {
  readonly name: string;
  readonly requests: number;
  readonly successes: number;
  readonly bytes: number;
  /** In the currency of its prices. */
  readonly cost: number;
  /** How often the tier took over from a cheaper one, at any host. */
  readonly escalations: number;
}
