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
  /** Headers of the request. */
  headers?: Record<string, string>;
  /** Body of the request. */
  body?: string;
  /** Ends the call. */
  signal?: AbortSignal;
  /** Key that makes a POST or PATCH safe to repeat. */
  idempotencyKey?: string;
  /** Once it aborts, the request starts no further attempt. The last response or error is the result. */
  drain?: AbortSignal | undefined;
  /**
   * With "suspend", a request that would have to wait throws a `FetchSuspension` instead, and its continuation continues it
   * later. A fetcher that does not know the option waits by itself.
   */
  onWait?: "suspend";
  /** Continues the same request after a suspension. */
  continuation?: object;
}

/** Sends one request, with all its retries. A `Session` has this shape. */
export interface Fetcher {
  request(method: string, url: string, options?: FetchOptions): Promise<FetchedResponse>;
  /** Returns the wait of a request by the rate limits that are known now; undefined when it can be sent immediately. */
  findRateLimit?(method: string, url: string): FetchWait | undefined;
}

/** What a request waits for, and until when. */
export interface FetchWait {
  /** When the request can continue, in epoch ms. `Infinity` when no time is known, such as without any proxy. */
  readonly until: number;
  /**
   * What waits: this line alone, every request to the host (through the proxy, if there is one), or every request that needs a
   * proxy. A wait of the line counts as its own time, and its attempt as one of its attempts. The others count as neither.
   */
  readonly scope: "line" | "host" | "proxy";
  /** Where the wait comes from: "back-off", "retry-after" or another header, "status 429", "circuit-open", "no-proxy". */
  readonly source: string;
  /** Whether the server, or the policy that rejected the request, named the time. Otherwise it is a back-off. */
  readonly isStated: boolean;
  /** The host that the request was for, as in its URL: after a redirect that of the new URL. */
  readonly host: string;
  /** The label of the proxy, without credentials. */
  readonly proxy?: string | undefined;
}

/** The shape of the error of a request that would have to wait. Nothing of the request is in progress any more. */
export interface FetchSuspension {
  readonly code: "ERR_SUSPENDED";
  readonly wait: FetchWait;
  /** Continues the request, as `FetchOptions.continuation`. Plain JSON without credentials, at most 64 KiB. */
  readonly continuation: object;
  /** One JSON-able record per attempt so far, those before the continuation included. */
  readonly attempts: readonly unknown[];
  /** How many attempts were made since the request was started or continued. They are the last ones of `attempts`. */
  readonly newAttempts: number;
}

/** Returns whether an error says that a request waits. Checks its shape, so that fetchers other than a `Session` can be used. */
export function isFetchSuspension(error: unknown): error is Error & FetchSuspension {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "ERR_SUSPENDED" &&
    "wait" in error &&
    isFetchWait(error.wait) &&
    "continuation" in error &&
    typeof error.continuation === "object"
  );
}

function isFetchWait(value: unknown): value is FetchWait {
  return (
    typeof value === "object" &&
    value !== null &&
    "until" in value &&
    typeof value.until === "number" &&
    "scope" in value &&
    "host" in value
  );
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
export type FetchVerdict = Pick<FetchFailure, "verdict" | "retryAt" | "mayHaveArrived" | "attempts">;

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

export function isVerdict(value: unknown): value is Verdict {
  return (
    typeof value === "object" && value !== null && "kind" in value && "reason" in value && "advice" in value
  );
}
