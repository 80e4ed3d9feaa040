/** Everything that a pool reports. `proxy` is what may be shown of one: no user, no password, no session. Times are milliseconds since 1970. */
export type ProxyEvent =
  /** A proxy came into the pool, or left it. */
  | { readonly type: "joined" | "left"; readonly proxy: string }
  /** It rests: for one host, or without `host` for all. `retired` when it has rested in vain so often that only a probe is left. */
  | {
      readonly type: "cooldown-started" | "retired";
      readonly proxy: string;
      readonly host?: string;
      readonly reason: string;
      readonly until: number;
      /** The rests in a row, this one included. */
      readonly cooldowns: number;
    }
  /** One request tries it after its rest. */
  | { readonly type: "probed"; readonly proxy: string; readonly host?: string }
  /** The try went well. */
  | { readonly type: "recovered"; readonly proxy: string; readonly host?: string }
  /** A sticky identity, or a vendor's session, began or ended. */
  | { readonly type: "identity-started"; readonly proxy: string }
  | { readonly type: "identity-ended"; readonly proxy: string; readonly reason: string }
  /** So many proxies failed alike that it is the origin: none of them is blamed. */
  | { readonly type: "origin-down"; readonly host: string; readonly proxies: number }
  /** No proxy is fit for a request. */
  | { readonly type: "empty"; readonly host: string; readonly retryAt: number }
  /** The source was read again. */
  | { readonly type: "refreshed"; readonly proxies: number; readonly joined: number; readonly left: number }
  /** It could not be read; the pool stays as it was. */
  | { readonly type: "refresh-failed"; readonly reason: string }
  /** A proxy in it could not be understood, and was left out. */
  | { readonly type: "invalid-proxy"; readonly reason: string }
  /** Another tier took over at a host. */
  | {
      readonly type: "tier-changed";
      readonly host: string;
      readonly from: string;
      readonly to: string;
      /** The share of requests that succeeded through the tier that was left. */
      readonly success: number;
      /** What a success is expected to cost through the new one. */
      readonly costPerSuccess: number;
    }
  /** A tier's budget is used up. */
  | { readonly type: "tier-spent"; readonly tier: string; readonly cost: number };

/** Hears of what happens in a pool, in order. What it throws ends nothing: a warning of the process tells of it (`HOLDFAST_PROXY_LISTENER`), once. */
export type ProxyListener = (event: ProxyEvent) => void;
