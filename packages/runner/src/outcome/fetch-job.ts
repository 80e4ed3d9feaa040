import { isFetchFailure, type FetchedResponse, type Fetcher, type FetchOptions } from "./fetcher.ts";
import type { Job } from "../ledger/job.ts";

/** The result of a request: a response, or the error that was thrown. */
export type FetchResult =
  | { readonly ok: true; readonly response: FetchedResponse }
  | { readonly ok: false; readonly error: unknown };

/** Fetches a job. Never rejects: an error is a result. */
export async function fetchJob(
  session: Fetcher,
  job: Job,
  parts: Pick<FetchOptions, "signal" | "drain" | "onWait" | "continuation">,
): Promise<FetchResult> {
  const { method, url, request } = job;
  const { headers, ...bodyAndKey } = request ?? {};
  const options: FetchOptions = {
    ...bodyAndKey,
    ...(headers === undefined ? {} : { headers: { ...headers } }),
    ...parts,
  };
  try {
    return { ok: true, response: await session.request(method, url, options) };
  } catch (error) {
    // The request is another one than before, for instance because the session adds other parameters: it starts again.
    const { continuation, ...fresh } = parts;
    if (continuation !== undefined && error instanceof TypeError && !isFetchFailure(error))
      return fetchJob(session, job, fresh);
    // A session with `throwOnStatus` throws the responses that the run wants to store.
    const response = responseOfStatus(error);
    return response === undefined ? { ok: false, error } : { ok: true, response };
  }
}

function responseOfStatus(error: unknown): FetchedResponse | undefined {
  const isStatus = isFetchFailure(error) && "code" in error && error.code === "ERR_STATUS";
  return isStatus ? error.response : undefined;
}
