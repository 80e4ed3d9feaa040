import type { FetchedResponse, Fetcher, FetchFailure, FetchOptions, Verdict } from "../outcome/fetcher.ts";

/** One request as a scripted fetcher saw it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly options: FetchOptions;
}

/** A fetcher that answers by script and remembers what was asked and how much at a time. */
export interface ScriptedFetcher extends Fetcher {
  readonly requests: readonly ReceivedRequest[];
  readonly urls: readonly string[];
  readonly maxConcurrent: number;
}

/** Makes a fetcher of a function that answers each request. */
export function scriptedFetcher(
  answer: (request: ReceivedRequest) => FetchedResponse | Promise<FetchedResponse>,
): ScriptedFetcher {
  const seen: ReceivedRequest[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;
  return {
    requests: seen,
    get urls() {
      return seen.map(({ url }) => url);
    },
    get maxConcurrent() {
      return mostAtOnce;
    },
    request: async (method, url, options = {}) => {
      const request = { method, url, options };
      seen.push(request);
      atOnce += 1;
      mostAtOnce = Math.max(mostAtOnce, atOnce);
      try {
        return await answer(request);
      } finally {
        atOnce -= 1;
      }
    },
  };
}

/** Makes a response with a verdict that fits its status. */
export function fakeResponse(
  url: string,
  {
    status = 200,
    body = `body of ${url}`,
    retryAt,
  }: { status?: number; body?: string; retryAt?: number } = {},
): FetchedResponse {
  const verdict = verdictOf(status);
  return {
    status,
    url,
    headers: new Map([["content-type", "text/plain"]]),
    content: Buffer.from(body),
    verdict,
    attempts: [{ number: 1, startedAt: 0, elapsed: 1, status, verdict }],
    elapsed: 1,
    ...(retryAt === undefined ? {} : { retryAt }),
  };
}

/** Makes an error such as a session throws. */
export function fakeFailure(reason: string, facts: Partial<FetchFailure> = {}): Error & FetchFailure {
  const verdict: Verdict = { kind: "transient", reason, advice: `Advice for ${reason}` };
  return Object.assign(new Error(`Failed: ${reason}`), { verdict, attempts: [{ number: 1 }], ...facts });
}

function verdictOf(status: number): Verdict {
  if (status < 400) return { kind: "success", reason: "ok", advice: "" };
  const kind = status === 429 ? "throttled" : status >= 500 ? "transient" : "rejected";
  return { kind, reason: `http-${status}`, advice: `Advice for ${status}` };
}
