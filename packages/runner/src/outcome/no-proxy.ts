import { isFetchFailure } from "./fetcher.ts";
import type { FetchResult } from "./fetch-job.ts";

/** Nothing was sent, because no proxy is fit for the host. */
export interface ProxyWait {
  /** When one is fit again, epoch ms; `Infinity` where waiting does not help. */
  readonly until: number;
  /** Why not, for a person. */
  readonly why: string;
}

/** Recognises by shape a request that found no proxy at its very first attempt. */
export function findProxyWait(settled: FetchResult): ProxyWait | undefined {
  if (settled.ok) return undefined;
  const { error } = settled;
  if (!isFetchFailure(error) || error.attempts.length > 1 || error.retryAt === undefined) return undefined;
  if (!("code" in error) || error.code !== "ERR_NO_PROXY") return undefined;
  return { until: error.retryAt, why: error.message };
}
