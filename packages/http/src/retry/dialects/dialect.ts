/** The retry hint of a response, in one form for all dialects. */
export interface Hint {
  /**
   * The obstacle: too many requests (`rate`), too many at the same time (`concurrency`), a server that is overloaded
   * (`overload`) or under maintenance (`maintenance`), or an exhausted quota, where waiting does not help (`quota`).
   */
  readonly kind: "rate" | "overload" | "quota" | "concurrency" | "maintenance";
  /** The name of the limit, if it has one. Requests with the same limit share the wait. */
  readonly scope?: string;
  /** The requested wait, in milliseconds from now: 0 or more. */
  readonly delay?: number;
  /** The limit, if the server states its requests and its window. */
  readonly limit?: StatedLimit;
  /**
   * Whether the server asks for another attempt. Absent if it does not say. `true` makes a status from 400 on retryable that
   * is not listed. Below 400 it has no effect: only `when` repeats a success.
   */
  readonly retry?: boolean;
  /** The header or the field of the body, after the name of the dialect if needed: `"github:x-ratelimit-reset"`. */
  readonly source: string;
}

/** A response as the dialects see it. */
export interface Reply {
  readonly status: number;
  /** Looks up a name in any case. Null without the header. */
  readonly headers: { get(name: string): string | null };
  /**
   * Returns the parsed body if its Content-Type is JSON and it has at most 64 KiB. It is parsed on the first call. Undefined
   * otherwise, and for a streamed response that was accepted or whose body did not arrive within a second.
   */
  readonly body?: () => unknown;
  /** Returns the same body as text, also for XML. Empty otherwise. */
  readonly text?: () => string;
  /** When the response arrived, in milliseconds since 1970-01-01T00:00:00Z. */
  readonly now: number;
}

/**
 * Reads the hint of one rate limit dialect. Returns undefined if the response has none. A dialect that throws is ignored,
 * with a process warning. `readText`, `readNumber` and `readField` read the fields of a body.
 */
export type Dialect = (reply: Reply) => Hint | undefined;

/** A number of requests in a window of milliseconds. */
export interface StatedLimit {
  readonly requests: number;
  readonly window: number;
}
