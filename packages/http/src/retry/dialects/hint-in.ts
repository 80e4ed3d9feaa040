import type { HttpResponse } from "../../model/response.ts";
import type { Dialect, Hint } from "./dialect.ts";
import { dialects, hintOf } from "./index.ts";
import { replyOf } from "./reply.ts";

/** Every header that one of our own dialects reads has a name like this. */
export const telling: RegExp = /retry|limit|envoy|github|amz/;

/**
 * Says what a response that came at the instant `now` (milliseconds since 1970) asks for, in any of some dialects.
 *
 * Most failures say nothing: one look at the names of their headers is a tenth of asking every dialect.
 */
export function hintIn(response: HttpResponse, spoken: readonly Dialect[], now: number): Hint | undefined {
  if (spoken === dialects && !mayTell(response)) return undefined;
  return hintOf(replyOf(response, now), spoken);
}

function mayTell({ headers }: HttpResponse): boolean {
  const record = headers.toJSON();
  for (const name of Object.keys(record)) if (telling.test(name)) return true;
  return /json|xml/i.test(String(record["content-type"]));
}
