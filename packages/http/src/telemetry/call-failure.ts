import type { RequestSummary } from "../model/request-summary.ts";
import type { AttemptRecord } from "../model/attempt-record.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Verdict } from "../model/verdict.ts";

/** What every error that ends a call of a session tells besides itself. */
export interface Failure {
  /** What was asked for last, after redirects: the URL without what looks like credentials. */
  readonly request: RequestSummary;
  /** Every attempt of the call, in order. */
  readonly attempts: readonly AttemptRecord[];
  /** What the failure means, and what a person should do about it. */
  readonly verdict: Verdict;
  /** The whole call, waits included, in milliseconds. */
  readonly elapsed: number;
  /** When the server wants to be asked again, in milliseconds since 1970, where it said so. */
  readonly retryAt?: number | undefined;
  /** The last answer, where there was one. */
  readonly response?: HttpResponse;
  /** The redirects that led to the request which failed, oldest first, each with its attempts. */
  readonly history?: readonly HttpResponse[];
  /** False when it is known that the server saw nothing of the call. */
  readonly mayHaveArrived?: boolean;
}

/** Adds the story of the call to the error that ended it: the error keeps its type. */
export function attachCallInfo(error: unknown, failure: Failure): unknown {
  if (!(error instanceof Error) || !Object.isExtensible(error)) return error;
  // Defined, not assigned: an error may have getters of these names.
  for (const [name, value] of Object.entries(failure)) {
    if (value !== undefined)
      Object.defineProperty(error, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return error;
}

/** Whether an error ended a call of a session, and so can tell its story. */
export function isFailure(error: unknown): error is Error & Failure {
  return error instanceof Error && "attempts" in error && "verdict" in error;
}
