import type { Clock } from "@holdfast/policy";
import type { Cookies } from "./cookies.ts";
import type { HttpResponse } from "./response.ts";
import type { Verdict } from "./verdict.ts";

/** A request that needs a proxy. */
export interface ProxyRequest {
  readonly url: URL;
  readonly method?: string;
  /** Header names are in lower case. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Country of the exit address, in the vendor's notation. */
  readonly country?: string | undefined;
  /** Key of a sticky identity: requests with the same key use the same proxy, cookies and user agent. */
  readonly identity?: string | undefined;
}

/** Options of one request that select a proxy from the session's pool. */
export type ProxySelection = Pick<ProxyRequest, "country" | "identity">;

/** A request for a lease, with its time limits. */
export interface LeaseRequest extends ProxyRequest {
  readonly signal?: AbortSignal | undefined;
  /** Instant on the provider's clock by which the lease is needed. */
  readonly deadline?: number;
  /** Limit of the whole call in milliseconds, named by the error of a missed deadline. @default the time that is left */
  readonly total?: number;
  /** Whether to wait until a proxy is available. @default true */
  readonly mayWait?: boolean;
  /** Clock to sleep on while waiting; its time is the provider's. @default the provider's */
  readonly clock?: Clock;
}

/** A proxy leased for one attempt. Report the attempt once, or dispose of the lease. */
export interface ProxyLease extends Disposable {
  /** URL to connect to, with credentials. Never log it. */
  readonly url: string;
  /** Name of the proxy for logs, without credentials. */
  readonly label: string;
  /** Cookies and user agent of the sticky identity; undefined without one. */
  readonly identity:
    | { readonly cookies: Cookies | undefined; readonly userAgent: string | undefined }
    | undefined;
  /** Returns what another attempt can expect now. */
  availability(): ProxyAvailability;
}

/** What another attempt can expect from the provider. */
export interface ProxyAvailability {
  /** Whether the proxy caused the result, so that another proxy may do better. */
  readonly proxyAtFault: boolean;
  /** Milliseconds until a proxy is available for the request: 0 if one is, `Infinity` if none ever will be. */
  readonly availableIn: number;
}

/** The result of an attempt through a leased proxy: a response, or an error. */
export interface ProxyAttemptRecord {
  readonly response?: HttpResponse;
  readonly error?: unknown;
  /**
   * Has the proxy open a tunnel to the host of the request, and closes it: it rejects with a ProxyError if the proxy refuses. A
   * response over plain http may be the host's word; this is the proxy's own. Absent if the adapter has no such test.
   */
  readonly testTunnel?: () => Promise<void>;
  /** Returns the wait that the host or the proxy requested, in milliseconds. Parsed on demand. */
  readonly requestedDelay: () => number | undefined;
}

/**
 * Supplies a session with a proxy for each attempt and receives the result. `ProxyPool` of `@holdfast/proxies`
 * implements it.
 */
export interface ProxyProvider {
  /** Returns whether requests to this URL use a proxy; `no_proxy` may exempt it. */
  covers(url: URL): boolean;
  /**
   * Returns a proxy for one attempt.
   *
   * @throws NoProxyError if none is available in time; DeadlineExceededError; the signal's reason.
   */
  lease(request: LeaseRequest): Promise<ProxyLease>;
  /**
   * Waits for `delay` milliseconds. Resolves earlier, to true, when a proxy becomes available before `availableIn`
   * milliseconds, the earliest time known at the start.
   *
   * @throws the signal's reason; the errors of the clock's sleep.
   */
  wait(
    request: LeaseRequest,
    expected: { readonly delay: number; readonly availableIn: number },
  ): Promise<boolean>;
  /**
   * Records the result of an attempt and returns the proxy. Returns a verdict if the provider recognises the response
   * as a block; the verdict replaces the response's own.
   *
   * A second report with an error, after a response, means that the body of the response broke off.
   */
  report(lease: ProxyLease, record: ProxyAttemptRecord): Verdict | undefined | Promise<Verdict | undefined>;
  /** Calls `listener` with each proxy URL whose connections can be closed. Returns a function that stops it. */
  onRelease(listener: (proxyUrl: string) => void): () => void;
}

/** Returns whether a value is a proxy provider. */
export function isProxyProvider(value: unknown): value is ProxyProvider {
  return typeof value === "object" && value !== null && methods.every((name) => isMethodOf(value, name));
}

const methods = [
  "covers",
  "lease",
  "wait",
  "report",
  "onRelease",
] as const satisfies readonly (keyof ProxyProvider)[];

function isMethodOf(value: object, name: string): boolean {
  return typeof Reflect.get(value, name) === "function";
}
