import { type FetchSuspension, isFetchFailure } from "./fetcher.ts";
import type { FetchResult } from "./fetch-job.ts";
import { findSuspension } from "./suspended-outcome.ts";

/** No proxy is available for the host. Nothing was sent. */
export interface ProxyWait {
  /** When a proxy will be available, in epoch ms; `Infinity` when waiting cannot help. */
  readonly until: number;
  /** Why no proxy is available, for a person. */
  readonly why: string;
}

/** Returns how long to wait when a request found no proxy and nothing was sent. Recognises the error by its shape. */
export function findProxyWait(result: FetchResult): ProxyWait | undefined {
  if (result.ok) return undefined;
  const suspension = findSuspension(result);
  if (suspension !== undefined) return proxyWaitOf(suspension);
  const { error } = result;
  if (!isFetchFailure(error) || error.attempts.length > 1 || error.retryAt === undefined) return undefined;
  if (!("code" in error) || error.code !== "ERR_NO_PROXY") return undefined;
  return { until: error.retryAt, why: error.message };
}

function proxyWaitOf({ wait, newAttempts, cause }: Error & FetchSuspension): ProxyWait | undefined {
  if (wait.scope !== "proxy" || newAttempts > 0) return undefined;
  return { until: wait.until, why: cause instanceof Error ? cause.message : wait.source };
}
