import type { AttemptRecord } from "../model/attempt-record.ts";
import type { HttpResponse } from "../model/response.ts";

/** How an answer came to be a continuation. */
export interface ContinuationInfo {
  /** Bytes that were here before it. */
  readonly offset: number;
  /** Bytes of the whole, where they are known. */
  readonly total: number | undefined;
  /** The status that the server answered with. */
  readonly status: number;
}

const continuations = new WeakMap<HttpResponse, ContinuationInfo>();

/** Takes note that an answer carries on where another one broke off. */
export function markContinuation<R extends HttpResponse>(response: R, continued: ContinuationInfo): R {
  continuations.set(response, continued);
  return response;
}

/** How an answer carries on where another one broke off; undefined when it does not. */
export function continuationOf(response: HttpResponse): ContinuationInfo | undefined {
  return continuations.get(response);
}

/** What the record of an attempt says of its answer: what the server said, also where the response shows more. */
export function serverStatusOf(response: HttpResponse): Pick<AttemptRecord, "status" | "resumedFrom"> {
  const continued = continuations.get(response);
  if (continued === undefined) return { status: response.status };
  return { status: continued.status, resumedFrom: continued.offset };
}
