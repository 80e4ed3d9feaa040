import type { RequestSummary } from "../model/request-summary.ts";
import type { AttemptRecord } from "../model/attempt-record.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Verdict } from "../model/verdict.ts";

/** The properties that a session adds to every error that ends a call. */
export interface Failure {
  /** The last request, after redirects. The URL has no credentials. */
  readonly request: RequestSummary;
  /** Every attempt of the call, in order. */
  readonly attempts: readonly AttemptRecord[];
  /** The meaning of the failure, with advice for a person. */
  readonly verdict: Verdict;
  /** Duration of the call, waits included, in milliseconds. */
  readonly elapsed: number;
  /** When the server allows the next request, in milliseconds since 1970, if it says so. */
  readonly retryAt?: number | undefined;
  /** The last response, if there was one. */
  readonly response?: HttpResponse;
  /** The redirects before the request that failed, oldest first, each with its attempts. */
  readonly history?: readonly HttpResponse[];
  /** False if the server certainly did not receive the request. */
  readonly mayHaveArrived?: boolean;
}

/** Adds the properties of the call to the error that ended it. The error keeps its class. */
export function attachCallInfo(error: unknown, failure: Failure): unknown {
  if (!(error instanceof Error) || !Object.isExtensible(error)) return error;
  // Defined, not assigned: an error may have getters of these names.
  for (const [name, value] of Object.entries(failure)) {
    if (value !== undefined)
      Object.defineProperty(error, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return error;
}

/** Returns whether an error ended a call of a session and has the properties of `Failure`. */
export function isFailure(error: unknown): error is Error & Failure {
  return error instanceof Error && "attempts" in error && "verdict" in error;
}
