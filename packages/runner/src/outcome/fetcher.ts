/** What a finished exchange means, and the advice a person needs. */
export interface Verdict {
  readonly kind: "success" | "transient" | "throttled" | "blocked" | "rejected";
  /** A short stable code: "ok", "http-503", "timeout-read". */
  readonly reason: string;
  readonly advice: string;
}

/** The part of a session's response that a run stores. */
export interface FetchedResponse {
  readonly status: number;
  /** After redirects. */
  readonly url: string;
  readonly headers: { entries(): Iterable<[string, string]> };
  /** The decoded body. */
  readonly content: Uint8Array;
  readonly verdict: Verdict;
  /** One JSON-able record per attempt. */
  readonly attempts: readonly unknown[];
  readonly elapsed: number;
  /** Epoch ms; present when the server asked to come back later than the session was willing to wait. */
  readonly retryAt?: number | undefined;
}

/** The options that a run passes with a request. */
export interface FetchOptions {
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
  idempotencyKey?: string;
  /** Once it aborts, the request waits for nothing more: no further attempt, and the last answer or error is the result. */
  drain?: AbortSignal | undefined;
}

/** Sends one request with whatever retries it sees fit: the shape of a session that a run needs. */
export interface Fetcher {
  request(method: string, url: string, options?: FetchOptions): Promise<FetchedResponse>;
}

/** The shape of an error that carries a verdict; anything else that is thrown is a defect or a wrong argument. */
export interface FetchFailure {
  readonly verdict: Verdict;
  readonly attempts: readonly unknown[];
  readonly response?: FetchedResponse;
  readonly retryAt?: number | undefined;
  /** False when it is known that the server never saw the request. */
  readonly mayHaveArrived?: boolean;
}

/** Recognises by shape an error that says what it means, so that other fetchers than a session may be used. */
export function isFetchFailure(error: unknown): error is Error & FetchFailure {
  return (
    error instanceof Error &&
    "verdict" in error &&
    isVerdict(error.verdict) &&
    "attempts" in error &&
    Array.isArray(error.attempts)
  );
}

function isVerdict(value: unknown): value is Verdict {
  return (
    typeof value === "object" && value !== null && "kind" in value && "reason" in value && "advice" in value
  );
}
