import type { HttpRequest } from "../model/request.ts";
import { isContentType } from "../model/headers.ts";
import { replaceBodySource, type StreamedResponse } from "../model/streamed-response.ts";
import type { Retry } from "../retry/retry.ts";
import { ReadAheadBody, within, type ReadAheadBounds } from "./read-ahead.ts";

// A body that is larger, or slower, is passed on as it arrives.
const maxHeldBytes = 262_144;
const maxHeldTime = 1_000;
// A body without a length may be produced piece by piece, for a reader that wants them soon.
const maxHeldTimeWithoutLength = 100;

/** Whether a body that breaks off would be requested again, if its head was not passed on yet. */
export function mayRequestAgain({ method, body, idempotencyKey }: HttpRequest, retry: Retry): boolean {
  if (retry.total === 0 || retry.total === false || body.kind === "one-shot") return false;
  return idempotencyKey !== undefined || retry.isMethodRetryable(method);
}

/**
 * Holds a response back until its body is complete, if it is short: a fetch that has seen the head could not take it back.
 *
 * @throws the error of a body that breaks off meanwhile.
 */
export function holdBody(
  response: StreamedResponse,
  bounds: Omit<ReadAheadBounds, "limit">,
): StreamedResponse | Promise<StreamedResponse> {
  const limit = holdTime(response);
  if (limit === 0) return response;
  const body = replaceBodySource(response, (source) => new ReadAheadBody(source));
  // Hot path: most bodies arrive with their head.
  if (body.takeAll()) return response;
  return within(body, { ...bounds, limit }, (ended) => body.readAhead(maxHeldBytes, ended)).then(
    () => response,
    (error: unknown) => {
      response.cancel(error);
      throw error;
    },
  );
}

function holdTime({ status, headers }: StreamedResponse): number {
  if (status >= 300 || status === 206) return 0;
  const length = headers.get("content-length");
  if (length !== null) return Number(length) <= maxHeldBytes ? maxHeldTime : 0;
  return isContentType(headers.get("content-type"), /\b(?:json|xml|html|plain)$/i)
    ? maxHeldTimeWithoutLength
    : 0;
}
