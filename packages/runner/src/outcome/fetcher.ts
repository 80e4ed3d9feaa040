/** The meaning of a finished request, and advice for a person. */
export interface Verdict {
  readonly kind: "success" | "transient" | "throttled" | "blocked" | "rejected";
  /** A short stable code: "ok", "http-503", "timeout-read". */
  readonly reason: string;
  readonly advice: string;
}

/** The part of a response that a run stores. */
export interface FetchedResponse {
  readonly status: number;
  /** The URL after redirects. */
  readonly url: string;
  readonly headers: { entries(): Iterable<[string, string]> };
  /** The decoded body. */
  readonly content: Uint8Array;
  readonly verdict: Verdict;
  /** One JSON-able record per attempt. */
  readonly attempts: readonly unknown[];
  /** In ms. */
  readonly elapsed: number;
  /** When to send the request again, in epoch ms. Present when the server's wait was longer than the session's limit. */
  readonly retryAt?: number | undefined;
}

/** The options that a run passes with each request. */
export interface FetchOptions {
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
  idempotencyKey?: string;
  /** Once it aborts, the request starts no further attempt. The last response or error is the result. */
  drain?: AbortSignal | undefined;
}

/** Sends one request, with all its retries. A `Session` has this shape. */
export interface Fetcher {
  request(method: string, url: string, options?: FetchOptions): Promise<FetchedResponse>;
}

/** The shape of an error with a verdict. Any other error is a defect or a wrong argument. */
export interface FetchFailure {
  readonly verdict: Verdict;
  readonly attempts: readonly unknown[];
  readonly response?: FetchedResponse;
  /** When to send the request again, in epoch ms. */
  readonly retryAt?: number | undefined;
  /** False when the server certainly never received the request. */
  readonly mayHaveArrived?: boolean;
}

/** The part of a response or failure that decides about the row. */
export type FetchVerdict = Pick<FetchFailure, "verdict" | "retryAt" | "mayHaveArrived">;

/** Returns whether an error has a verdict. Checks its shape, so that fetchers other than a `Session` can be used. */
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
