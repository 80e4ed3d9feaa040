import type { Clock, Duration, Random } from "@holdfast/policy";
import type { Environment, HttpResponse, ProxyRequest } from "@holdfast/http";
import type { ProxyListener } from "./events.ts";
import type { RotationName } from "../rules/rotation.ts";
import type { ProxyInput } from "../list/entry.ts";

/** A proxy as your own rotation function sees it. */
export interface ProxyCandidate {
  /** Label without credentials. */
  readonly proxy: string;
  readonly country: string | undefined;
  readonly weight: number;
  /** Requests so far. */
  readonly uses: number;
  /** Requests in flight. */
  readonly inFlight: number;
}

/** Chooses among the available proxies. The pool calls it for each request, so the cost grows with the pool. */
export type ChooseProxy = (candidates: readonly ProxyCandidate[], request: ProxyRequest) => ProxyCandidate;

/** Returns all proxies of a source. */
export type FetchProxies = () => Promise<readonly ProxyInput[]>;

/** A source function, and when the pool calls it again. */
export interface FetchedProxies {
  readonly fetch: FetchProxies;
  /** Interval between calls. @default "10m" */
  readonly every?: Duration;
  /** Calls the function early when fewer proxies are available. @default 1 */
  readonly minAvailable?: number;
  /** Calls the function early when a proxy had this many consecutive cooldowns. @default 3 */
  readonly afterCooldowns?: number;
}

/** A file with one proxy per line, or a JSON list. The pool reads it again when it changes. */
export interface ProxyFile {
  readonly file: string;
  /** Shortest interval between checks of the file. @default "1s" */
  readonly every?: Duration;
}

/**
 * Proxies in an environment variable, separated by commas or white space. Without the variable: `all_proxy`,
 * `https_proxy` and `http_proxy`. `no_proxy` applies.
 */
export interface ProxyEnvironment {
  /** The variables, such as `process.env`. */
  readonly environment: Environment;
  /** @default "HOLDFAST_PROXIES" */
  readonly variable?: string;
}

/** A source of proxies: a list, a file, a function or the environment. */
export type ProxySource =
  | readonly ProxyInput[]
  | ProxyFile
  | FetchProxies
  | FetchedProxies
  | ProxyEnvironment;

/** Proxies of one price. */
export interface ProxyTier {
  /** Name in events and statistics. */
  readonly name: string;
  readonly proxies: ProxySource;
  /** Cost in a currency of your choice. @default perRequest 1 for the first tier, 2 for the second, and so on */
  readonly cost?: { readonly perRequest?: number; readonly perGb?: number };
  /** Most to spend on the tier, in the same currency. The pool stops using a tier without budget. @default no limit */
  readonly budget?: number;
}

/** Returns whether a response is a block, or a short stable code for the reason, such as `"expired"`. */
export type IsBlocked = (response: HttpResponse) => boolean | string | Promise<boolean | string>;

/** The options of a `ProxyPool`. */
export interface ProxyPoolOptions {
  /** How to choose the next proxy. @default "round-robin" */
  readonly rotation?: RotationName | ChooseProxy;
  /** Whether each connection through a proxy has another exit address, unless its entry says otherwise. @default false */
  readonly rotatesPerConnection?: boolean;
  /** First cooldown of a proxy. Each consecutive one is twice as long, plus up to half at random. @default "30s" */
  readonly cooldown?: Duration;
  /** Longest cooldown. @default "1h" */
  readonly maxCooldown?: Duration;
  /** Consecutive cooldowns until a proxy is retired: then only probes use it, after the longest cooldown. @default 5 */
  readonly retireAfter?: number;
  /** `"host"`, or a function that returns a key: requests with the same key share an identity. @default no identities */
  readonly sticky?: "host" | ((request: ProxyRequest) => string | undefined);
  /** User agents for sticky identities. Each identity draws one and keeps it. @default the session's */
  readonly userAgents?: readonly string[];
  /** Most sticky identities to keep. @default 10000 */
  readonly maxIdentities?: number;
  /** How long to keep an unused identity. @default "30m" */
  readonly identityIdle?: Duration;
  /** Whether a request fails with a NoProxyError when no proxy is available, or waits for one. @default "fail" */
  readonly whenEmpty?: "fail" | "wait";
  /**
   * Recognises blocks that look like a success, such as a page of the proxy with status 200. Called for each response
   * that is not a block already; a streamed response has only its head.
   */
  readonly isBlocked?: IsBlocked;
  /** Share of successful requests below which the next tier takes over. @default 0.5 */
  readonly minSuccessRate?: number;
  /** Receives the events of the pool. */
  readonly on?: ProxyListener;
  /** Source of time, for tests. @default the clock of the platform */
  readonly clock?: Clock;
  /** Source of randomness, for tests. @default the platform */
  readonly random?: Random;
}
