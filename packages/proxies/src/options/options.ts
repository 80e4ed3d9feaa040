import type { Clock, Duration, Random } from "@holdfast/policy";
import type { Environment, HttpResponse, ProxyRequest } from "@holdfast/http";
import type { ProxyListener } from "./events.ts";
import type { RotationName } from "../rules/rotation.ts";
import type { ProxyInput } from "../list/entry.ts";

/** A proxy as a rotation of your own sees it. */
export interface ProxyCandidate {
  readonly proxy: string;
  readonly country: string | undefined;
  readonly weight: number;
  /** Requests that it was given so far. */
  readonly uses: number;
  /** Requests that it carries now. */
  readonly inFlight: number;
}

/** Chooses among the proxies that are fit; it is asked for each request, so that its cost grows with the pool. */
export type ChooseProxy = (candidates: readonly ProxyCandidate[], request: ProxyRequest) => ProxyCandidate;

/** A function that gives proxies: each time all that there are. */
export type FetchProxies = () => Promise<readonly ProxyInput[]>;

/** A function that gives proxies, and when it is asked again besides. */
export interface FetchedProxies {
  readonly fetch: FetchProxies;
  /** How often. @default "10m" */
  readonly every?: Duration;
  /** When fewer than these are fit. @default 1 */
  readonly minAvailable?: number;
  /** When one proxy has rested as often in a row. @default 3 */
  readonly afterCooldowns?: number;
}

/** A file with a proxy on each line, or a JSON list. It is looked at again as requests are made. */
export interface ProxyFile {
  readonly file: string;
  /** How often it is looked at, at most. @default "1s" */
  readonly every?: Duration;
}

/** A list in a variable, parted by commas or white space; without it the proxies in `all_proxy`, `https_proxy` and `http_proxy`. `no_proxy` holds. */
export interface ProxyEnvironment {
  readonly environment: Environment;
  /** @default "HOLDFAST_PROXIES" */
  readonly variable?: string;
}

/** Where proxies come from. */
export type ProxySource =
  | readonly ProxyInput[]
  | ProxyFile
  | FetchProxies
  | FetchedProxies
  | ProxyEnvironment;

/** Proxies of one price. */
export interface ProxyTier {
  /** For events and statistics. */
  readonly name: string;
  readonly proxies: ProxySource;
  /** What it costs, in a currency of your own. @default perRequest 1 for the first tier, 2 for the second, and so on */
  readonly cost?: { readonly perRequest?: number; readonly perGb?: number };
  /** What may be spent on it, in that currency; then it is used no more. @default no limit */
  readonly budget?: number;
}

/** Whether an answer refuses the address, or the short stable code by which it does, such as `"expired"`. */
export type IsBlocked = (response: HttpResponse) => boolean | string | Promise<boolean | string>;

export interface ProxyPoolOptions {
  /** Who is next. @default "round-robin" */
  readonly rotation?: RotationName | ChooseProxy;
  /** Whether each connection through a proxy comes out at another address, where its entry does not say. @default false */
  readonly rotatesPerConnection?: boolean;
  /** How long a proxy rests at first; each rest in a row is twice as long, and up to half as long again by chance. @default "30s" */
  readonly cooldown?: Duration;
  /** @default "1h" */
  readonly maxCooldown?: Duration;
  /** Rests in a row after which a proxy is retired, and only probed after the longest rest. @default 5 */
  readonly retireAfter?: number;
  /** The key of a request, or `"host"`: requests with the same key keep one identity. @default none */
  readonly sticky?: "host" | ((request: ProxyRequest) => string | undefined);
  /** User agents for sticky identities: each draws one and keeps it. @default the session's */
  readonly userAgents?: readonly string[];
  /** The most sticky identities that are kept. @default 10000 */
  readonly maxIdentities?: number;
  /** How long an identity is kept that nobody uses. @default "30m" */
  readonly identityIdle?: Duration;
  /** What a request does when no proxy is fit: fail with a NoProxyError, or wait for one. @default "fail" */
  readonly whenEmpty?: "fail" | "wait";
  /**
   * Calls an answer a block that nothing else tells from a good one, such as a proxy's own page with status 200: true, or a
   * code for the reason. It is asked of every answer that is none already; a streamed one shows its head alone.
   */
  readonly isBlocked?: IsBlocked;
  /** The share of requests below which a dearer tier takes over. @default 0.5 */
  readonly minSuccessRate?: number;
  readonly on?: ProxyListener;
  readonly clock?: Clock;
  readonly random?: Random;
}
