import type { RateLimitedError } from "@holdfast/policy";
import { refusalOf } from "../pacing/refusal.ts";
import type { ReceivedHead } from "./receiver.ts";

/** The framing and the times of the response that closed the limit, which do not describe a later one. */
const replacedHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "retry-after",
  "trailer",
  "transfer-encoding",
]);

/**
 * Returns the response for a request that was not sent because of a rate limit: the one that closed the limit, with a Retry-After
 * of what is left. Without one, a 429.
 */
export function rateLimitResponse(error: RateLimitedError): {
  readonly head: ReceivedHead;
  readonly content: Buffer;
} {
  const closing = refusalOf(error);
  const { status = 429, statusText = "Too Many Requests" } = closing ?? {};
  const content = closing?.content ?? (closing === undefined ? Buffer.from(error.message) : Buffer.alloc(0));
  const kept = Object.entries(closing?.headers ?? { "content-type": "text/plain;charset=utf-8" }).filter(
    ([name]) => !replacedHeaders.has(name) && !(closing?.content === undefined && isAboutBody(name, closing)),
  );
  const headers = {
    ...Object.fromEntries(kept),
    "retry-after": String(Math.max(0, Math.ceil(error.delay / 1_000))),
    "content-length": String(content.length),
  };
  return { head: { status, statusText, headers }, content: Buffer.from(content) };
}

/** Whether a header describes a body that was not kept. */
function isAboutBody(name: string, closing: object | undefined): boolean {
  return closing !== undefined && /^(?:content-|etag$|repr-digest$)/.test(name);
}
