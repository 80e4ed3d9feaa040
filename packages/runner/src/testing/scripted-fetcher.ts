import type {
  FetchedResponse,
  Fetcher,
  FetchFailure,
  FetchOptions,
  FetchSuspension,
  FetchWait,
  Verdict,
} from "../outcome/fetcher.ts";

/** A request that a scripted fetcher received. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly options: FetchOptions;
}

/** A fetcher with scripted responses. It records its requests and how many ran at a time. */
export interface ScriptedFetcher extends Fetcher {
  readonly requests: readonly ReceivedRequest[];
  readonly urls: readonly string[];
  readonly maxConcurrent: number;
}

/** Returns a fetcher that calls `respond` for each request. */
export function scriptedFetcher(
  respond: (request: ReceivedRequest) => FetchedResponse | Promise<FetchedResponse>,
): ScriptedFetcher {
  const requests: ReceivedRequest[] = [];
  let active = 0;
  let maxConcurrent = 0;
  return {
    requests,
    get urls() {
      return requests.map(({ url }) => url);
    },
    get maxConcurrent() {
      return maxConcurrent;
    },
    request: async (method, url, options = {}) => {
      const request = { method, url, options };
      requests.push(request);
      active += 1;
      maxConcurrent = Math.max(maxConcurrent, active);
      try {
        return await respond(request);
      } finally {
        active -= 1;
      }
    },
  };
}

/** Returns a response with the verdict of its status. */
export function fakeResponse(
  url: string,
  {
    status = 200,
    body = `body of ${url}`,
    retryAt,
  }: { status?: number; body?: string; retryAt?: number } = {},
): FetchedResponse {
  const verdict = statusVerdict(status);
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

/** Returns an error with a verdict, as a session throws it. */
export function fakeFailure(reason: string, facts: Partial<FetchFailure> = {}): Error & FetchFailure {
  const verdict: Verdict = { kind: "transient", reason, advice: `Advice for ${reason}` };
  return Object.assign(new Error(`Failed: ${reason}`), { verdict, attempts: [{ number: 1 }], ...facts });
}

function statusVerdict(status: number): Verdict {
  if (status < 400) return { kind: "success", reason: "ok", advice: "" };
  const kind = status === 429 ? "throttled" : status >= 500 ? "transient" : "rejected";
  return { kind, reason: `http-${status}`, advice: `Advice for ${status}` };
}

/** Returns an error with which a session suspends a request after a 503; by default for its back-off. */
export function fakeSuspension(
  wait: Partial<FetchWait> = {},
  { newAttempts = 1, continuation = {} }: { newAttempts?: number; continuation?: object } = {},
): Error & FetchSuspension {
  const verdict = statusVerdict(503);
  const attempts = Array.from({ length: newAttempts }, (_, index) => ({
    number: index + 1,
    startedAt: 0,
    elapsed: 1,
    status: 503,
    verdict,
  }));
  const fields = {
    code: "ERR_SUSPENDED" as const,
    wait: { until: 0, scope: "line" as const, source: "back-off", isStated: false, host: "a.test", ...wait },
    continuation: { attempts, ...continuation },
    attempts,
    newAttempts,
  };
  return Object.assign(new Error("The request waits"), fields);
}
