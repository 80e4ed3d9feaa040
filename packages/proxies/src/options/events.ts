/** An event of a pool. `proxy` is a label without credentials. Times are milliseconds since 1970. */
export type ProxyEvent =
  /** A proxy joined or left the pool. */
  | { readonly type: "joined" | "left"; readonly proxy: string }
  /**
   * A cooldown began: for one host, or for every host if `host` is absent. `retired`: after too many consecutive
   * cooldowns, only probes use the proxy.
   */
  | {
      readonly type: "cooldown-started" | "retired";
      readonly proxy: string;
      readonly host?: string;
      readonly reason: string;
      readonly until: number;
      /** Consecutive cooldowns, including this one. */
      readonly cooldowns: number;
    }
  /** One request probes the proxy after its cooldown. */
  | { readonly type: "probed"; readonly proxy: string; readonly host?: string }
  /** A probe succeeded. */
  | { readonly type: "recovered"; readonly proxy: string; readonly host?: string }
  /** A sticky identity or a vendor's session began or ended. */
  | { readonly type: "identity-started"; readonly proxy: string }
  | { readonly type: "identity-ended"; readonly proxy: string; readonly reason: string }
  /** Several proxies failed in the same way at a host, so the host is at fault and no proxy is blamed. */
  | { readonly type: "origin-down"; readonly host: string; readonly proxies: number }
  /** No proxy is available for a request. */
  | { readonly type: "empty"; readonly host: string; readonly retryAt: number }
  /** A source was read again. */
  | { readonly type: "refreshed"; readonly proxies: number; readonly joined: number; readonly left: number }
  /** A source could not be read. The pool keeps its proxies. */
  | { readonly type: "refresh-failed"; readonly reason: string }
  /** A source contains an invalid proxy, which the pool leaves out. */
  | { readonly type: "invalid-proxy"; readonly reason: string }
  /** A host moved to another tier. */
  | {
      readonly type: "tier-changed";
      readonly host: string;
      readonly from: string;
      readonly to: string;
      /** Share of successful requests through the former tier. */
      readonly success: number;
      /** Expected cost of a success through the new tier. */
      readonly costPerSuccess: number;
    }
  /** The budget of a tier is spent. */
  | { readonly type: "tier-spent"; readonly tier: string; readonly cost: number };

/** Receives the events of a pool in order. Its first error becomes a process warning (`HOLDFAST_PROXY_LISTENER`). */
export type ProxyListener = (event: ProxyEvent) => void;
