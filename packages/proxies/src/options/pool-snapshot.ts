/** How a proxy stood at a host, or at all; times are milliseconds since 1970. */
export interface RememberedHealth {
  /** The host; absent for all of them. */
  readonly host?: string;
  readonly cooldowns: number;
  readonly score?: number;
  /** Since when it has its score. */
  readonly asOf?: number;
  /** When its rest ends. */
  readonly until?: number;
  readonly since?: number;
  readonly reason?: string;
  readonly throttled?: boolean;
}

/** What a pool knows of the health of its proxies: plain data, to be kept in a file. */
export interface PoolSnapshot {
  readonly salt: string;
  /**
   * By the proxy that it is of: what may be shown of it, and 32 bits of a salted hash of the rest, which tell several
   * accounts behind one address apart and are too few to find a password by.
   */
  readonly proxies: Readonly<Record<string, readonly RememberedHealth[]>>;
}
