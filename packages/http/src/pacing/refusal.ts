import type { HttpResponse } from "../model/response.ts";
import { previewBody } from "../model/streamed-response.ts";

/** The response that closed a rate limit, for a caller that wants a response in place of an error. */
export interface Refusal {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body as received, if it is short. */
  readonly content: Uint8Array | undefined;
}

// Each limit that a session has met keeps its refusal.
const maxContentBytes = 16_384;

/** Returns what is kept of a response that closes a rate limit. Undefined for a response that is not a refusal. */
export function toRefusal(response: HttpResponse): Refusal | undefined {
  const { status, statusText, headers } = response;
  if (status < 400) return undefined;
  const body = previewBody(response);
  const content = body !== undefined && body.length <= maxContentBytes ? body.slice() : undefined;
  return { status, statusText, headers: headers.toJSON(), content };
}

const refusals = new WeakMap<Error, Refusal>();

/** Stores the response because of which a request is not sent. */
export function attachRefusal<E extends Error>(error: E, refusal: Refusal | undefined): E {
  if (refusal !== undefined) refusals.set(error, refusal);
  return error;
}

/** Returns the response because of which a request was not sent. */
export function refusalOf(error: Error): Refusal | undefined {
  return refusals.get(error);
}
