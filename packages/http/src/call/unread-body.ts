import type { Auth } from "../auth/auth.ts";
import { isRedirectStatus } from "../model/redirect-request.ts";
import { HttpResponse, loadContent, markRequestKeyed, unreadBodyOf } from "../model/response.ts";
import { decideRetryByHead, type AttemptFacts } from "../retry/retry-decision.ts";
import type { HttpRequest } from "../model/request.ts";
import type { ResponseHead } from "../model/trace.ts";
import type { AttemptResult } from "./attempt.ts";

const noBytes = new Uint8Array(0);

/** Whether the call continues after this head, whatever the body says: with another attempt, a redirect, or `auth`. */
export function continuesWithoutBody(
  { status, headers }: ResponseHead,
  {
    facts,
    auth,
  }: {
    readonly facts: Omit<AttemptFacts, "response" | "error"> & { readonly request: HttpRequest };
    readonly auth: Auth | undefined;
  },
): boolean {
  const { request } = facts;
  if (isRedirectStatus(status)) return headers["location"] !== undefined;
  if (status === 401) return auth !== undefined && !("authorization" in request.headers);
  const head = new HttpResponse({ status, statusText: "", url: request.url.href, headers, content: noBytes });
  if (request.idempotencyKey !== undefined) markRequestKeyed(head);
  try {
    return decideRetryByHead({ ...facts, response: head }).again === "yes";
  } catch {
    // A dialect of the caller that throws does so again when the whole response is judged.
    return false;
  }
}

/** Whether a response that the caller gets has a body that was not read. */
export function isBodyUnread({ response }: AttemptResult): boolean {
  return response !== undefined && unreadBodyOf(response) !== undefined && !isRedirectStatus(response.status);
}

/** Reads the body of such a response. Returns a failed result if the body is not complete. */
export async function readUnreadBody(result: AttemptResult): Promise<AttemptResult> {
  try {
    if (result.response !== undefined) await loadContent(result.response);
    return result;
  } catch (error) {
    return { call: result.call, error };
  }
}
