/** The health of a proxy at one host or for every host. Times are milliseconds since 1970. */
export interface RememberedHealth {
  /** The host; absent for every host. */
  readonly host?: string;
  readonly cooldowns: number;
  readonly score?: number;
  /** Instant at which the score was computed. */
  readonly asOf?: number;
  /** End of the cooldown. */
  readonly until?: number;
  readonly since?: number;
  readonly reason?: string;
  readonly throttled?: boolean;
}

/** The health of all proxies of a pool: plain data for a file. */
export interface PoolSnapshot {
  /** Health by proxy. A key is the proxy's label: its address, and its number among equal addresses. */
  readonly proxies: Readonly<Record<string, readonly RememberedHealth[]>>;
}
