import type { Duration } from "@holdfast/policy";

/** User and password of a proxy. */
export interface ProxyCredentials {
  readonly username: string;
  readonly password: string;
}

/** A proxy of a pool, with its options. */
export interface ProxyEntry {
  /** A URL, `host:port`, `host:port:user:pass` or `user:pass@host:port`. User and password may be a vendor's template. */
  readonly url: string;
  /** User and password, if they are not in the URL. They may be a template, too. */
  readonly username?: string;
  /** Password, as `username`. */
  readonly password?: string;
  /** Values of the template's own placeholders, such as `{ user, pass }`. */
  readonly values?: Readonly<Record<string, string>>;
  /** Returns user and password for each lease, for credentials that change, such as a token. */
  readonly credentials?: () => Promise<ProxyCredentials>;
  /** Country of the exit address. In a template, the value of `{country}` unless the request names another one. */
  readonly country?: string;
  /** Relative frequency with `rotation: "weighted"`. @default 1 */
  readonly weight?: number;
  /** Most requests at the same time. @default no limit */
  readonly maxConcurrent?: number;
  /** How long the vendor keeps one address for one `{session}`. @default ttl 10 minutes, no idle limit */
  readonly session?: SessionLimits & {
    /** Most requests of one session. @default no limit */
    readonly maxUses?: number;
  };
  /**
   * Number of sessions that requests without an identity use in turn. @default 1; with `rotatesPerConnection` one per
   * request in flight
   */
  readonly sessions?: number;
  /** Whether each connection has another exit address although the credentials stay the same. @default the pool's */
  readonly rotatesPerConnection?: boolean;
}

/** How long a vendor keeps one address for one session id. The pool ends the session a tenth earlier. */
export interface SessionLimits {
  /** From the first request of the session. @default "10m" */
  readonly ttl?: Duration;
  /** From its last request. @default no limit */
  readonly idle?: Duration;
}

/** A proxy, or only its URL. */
export type ProxyInput = string | ProxyEntry;
