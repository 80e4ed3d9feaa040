import type { Settled } from "./conclude.ts";
import type { Fetcher, FetchOptions } from "./fetcher.ts";
import type { Job } from "../ledger/job.ts";

/** Has a job fetched; an error is a result like another. */
export async function fetchJob(
  session: Fetcher,
  { method, url, request }: Job,
  ending: Pick<FetchOptions, "signal" | "drain">,
): Promise<Settled> {
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
