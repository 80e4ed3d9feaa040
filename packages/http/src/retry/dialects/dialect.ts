/** What a server means by an answer, in one form for all the ways in which servers say "slow down". */
export interface Hint {
  /**
   * What stands in the way: too many requests (`rate`), or too many at once (`concurrency`); a server that has too much
   * to do (`overload`) or is being worked on (`maintenance`); an allowance that is used up and comes back by no waiting (`quota`).
   */
  readonly kind: "rate" | "overload" | "quota" | "concurrency" | "maintenance";
  /** The limit's own name, where it has one: requests that share it share the wait. */
  readonly scope?: string;
  /** The wait that the server asks for, in milliseconds from now: 0 or more. */
  readonly delay?: number;
  /** What the limit allows, where the server says so in full. */
  readonly limit?: StatedLimit;
  /**
   * Whether the server wants to be asked again; absent when it does not say. `true` makes an answer retryable whose status
   * is not listed, from 400 on; below that it does nothing: a success is repeated by `when` alone.
   */
  readonly retry?: boolean;
  /** What said so: a header or a field of the body, behind the dialect's name where that is not plain. */
  readonly source: string;
}

/** An answer as the dialects see it. */
export interface Reply {
  readonly status: number;
  /** By name whatever its case; null when there is none. */
  readonly headers: { get(name: string): string | null };
  /**
   * Gives the body, parsed, if it is JSON of at most 64 KiB by its Content-Type; it is parsed when first asked for.
   * Undefined otherwise, and for a streamed response that was accepted, or whose body had not come within a second.
   */
  readonly body?: () => unknown;
  /** Gives the same as text, of XML as well; empty where there is none. */
  readonly text?: () => string;
  /** The instant at which the answer came, in milliseconds since 1970-01-01T00:00:00Z. */
  readonly now: number;
}

/**
 * Reads one way of saying "slow down"; undefined when the answer does not speak it. One that throws is not heeded, and a
 * warning of the process tells of it. `textIn`, `numberIn` and `fieldOf` read what a body may hold.
 */
export type Dialect = (reply: Reply) => Hint | undefined;

/** So many requests in so long a time, in milliseconds. */
export interface StatedLimit {
  readonly requests: number;
  readonly window: number;
}
