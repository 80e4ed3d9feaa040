import type { FetchedResponse, Fetcher, FetchOptions } from "./fetcher.ts";
import type { Job } from "../ledger/job.ts";

/** How a request ended. */
export type FetchResult =
  | { readonly ok: true; readonly response: FetchedResponse }
  | { readonly ok: false; readonly error: unknown };

/** Has a job fetched; an error is a result like another. */
export async function fetchJob(
  session: Fetcher,
  { method, url, request }: Job,
  ending: Pick<FetchOptions, "signal" | "drain">,
): Promise<FetchResult> {
  const { headers, ...rest } = request ?? {};
  const options: FetchOptions = {
    ...rest,
    ...(headers === undefined ? {} : { headers: { ...headers } }),
    ...ending,
  };
  try {
    return { ok: true, response: await session.request(method, url, options) };
  } catch (error) {
    return { ok: false, error };
  }
}
