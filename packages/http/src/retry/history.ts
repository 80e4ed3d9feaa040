/** One request that a `Retry` has counted. */
export interface RequestHistory {
  readonly method: string | null;
  readonly url: string;
  readonly error: unknown;
  readonly status: number | null;
  readonly redirectLocation: string | null;
}

/** What `increment` is told of a request: it failed with `error`, or got a `response` that is not the last word. */
export interface RetryEvent {
  readonly method: string | null;
  readonly url: string;
  readonly error?: unknown;
  readonly response?: { readonly status: number; readonly redirectLocation?: string | null } | undefined;
}

/** The failure behind a `RetryError` when it was an answer: urllib3's words for it, and the status. */
export class ResponseError extends Error {
  override readonly name = "ResponseError";
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined) {
    super(message);
    this.status = status;
  }
}

/** The row that an event leaves in the history. */
export function rowOf({ method, url, error, response }: RetryEvent): RequestHistory {
  const answer = error === undefined ? response : undefined;
  return {
    method,
    url,
    error: error ?? null,
    status: answer?.status ?? null,
    redirectLocation: answer?.redirectLocation || null,
  };
}

/** What to call an event which is not an error, in the words of urllib3. */
export function responseError({ response }: RetryEvent): ResponseError {
  if (response?.redirectLocation) return new ResponseError("too many redirects", response.status);
  const status = response?.status;
  return new ResponseError(`too many ${status === undefined ? "" : `${status} `}error responses`, status);
}
