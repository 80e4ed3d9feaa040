import type { ProxyLease } from "@holdfast/http";
import type { ProxyOutcome } from "../rules/outcome.ts";

/** A lease of a `ProxyPool`, for callers that send the request themselves. */
export interface PoolLease extends ProxyLease {
  /** Whether the reported outcome was the proxy's fault. */
  readonly proxyAtFault: boolean;
  /** Returns the proxy with the outcome of the attempt. Only the first report counts. */
  report(outcome: ProxyOutcome): void;
}
