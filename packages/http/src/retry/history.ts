/** A request that a `Retry` has counted. */
export interface RequestHistory {
  readonly method: string | null;
  readonly url: string;
  readonly error: unknown;
  readonly status: number | null;
  readonly redirectLocation: string | null;
}

/** A failed attempt, for `Retry.increment`: it failed with `error`, or returned a `response` that is retried or redirects. */
export interface RetryEvent {
  readonly method: string | null;
  readonly url: string;
  readonly error?: unknown;
  readonly response?: { readonly status: number; readonly redirectLocation?: string | null } | undefined;
}

/** The cause of a `RetryError` after a response, with urllib3's message. */
export class ResponseError extends Error {
  override readonly name = "ResponseError";
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined) {
    super(message);
    this.status = status;
  }
}

/** Returns the history entry of a failed attempt. */
export function toHistoryEntry({ method, url, error, response }: RetryEvent): RequestHistory {
  const seen = error === undefined ? response : undefined;
  return {
    method,
    url,
    error: error ?? null,
    status: seen?.status ?? null,
    redirectLocation: seen?.redirectLocation || null,
  };
}

/** Returns the error for an attempt that returned a response, with urllib3's message. */
export function responseError({ response }: RetryEvent): ResponseError {
  if (response?.redirectLocation) return new ResponseError("too many redirects", response.status);
  const status = response?.status;
  return new ResponseError(`too many ${status === undefined ? "" : `${status} `}error responses`, status);
}
