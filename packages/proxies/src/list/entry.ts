import type { Duration } from "@holdfast/policy";

export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

/** A proxy of a pool: where it is, and what else is to be known of it. */
export interface ProxyEntry {
  /** In any form that is handed out: a URL, `host:port:user:pass`; user and password may be a vendor's template. */
  readonly url: string;
  /** User and password as they are, where they do not stand in the URL; they may be a template too. */
  readonly username?: string;
  readonly password?: string;
  /** What the template's own placeholders stand for, such as `{ user, pass }`. */
  readonly values?: Readonly<Record<string, string>>;
  /** Asked for each time that the proxy is leased: user and password that change, such as a token. */
  readonly credentials?: () => Promise<ProxyCredentials>;
  /** Where its address is; in a template, the country that `{country}` stands for unless the request names another. */
  readonly country?: string;
  /** How often it is chosen beside the others, by `rotation: "weighted"`. @default 1 */
  readonly weight?: number;
  /** Requests that it may carry at the same time. @default no limit */
  readonly maxConcurrent?: number;
  /** How long the vendor keeps one address for one `{session}`. @default ttl 10 minutes, no idle limit */
  readonly session?: SessionLimits & {
    /** Requests before the session is left for a new one. @default no limit */
    readonly maxUses?: number;
  };
  /**
   * How many sessions serve the requests without a key, in turn. @default 1; where it is rotating, one for each request
   * under way
   */
  readonly sessions?: number;
  /** Whether each connection comes out at another address though user and password are always the same. @default the pool's */
  readonly rotatesPerConnection?: boolean;
}

/** How long a vendor keeps one address for one session id; we leave before it does. */
export interface SessionLimits {
  /** From the first request of the session on. @default "10m" */
  readonly ttl?: Duration;
  /** From its last request on. @default none */
  readonly idle?: Duration;
}

/** A proxy, or just its URL. */
export type ProxyInput = string | ProxyEntry;
