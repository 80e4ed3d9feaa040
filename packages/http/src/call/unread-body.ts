import type { Auth } from "../auth/auth.ts";
import { isRedirectStatus } from "../model/redirect-request.ts";
import { HttpResponse, loadContent, markRequestKeyed, unreadBodyOf } from "../model/response.ts";
import { decideByHead, type AttemptFacts } from "../retry/decide.ts";
import type { ResponseHead } from "../model/trace.ts";
import type { AttemptResult } from "./attempt.ts";

const noBytes = new Uint8Array(0);

/** Whether status and headers send a call on, whatever the body says: to another attempt, elsewhere, or to `auth`. */
export function continuesWithoutBody(
  { status, headers }: ResponseHead,
  {
    facts,
    auth,
  }: { readonly facts: Omit<AttemptFacts, "response" | "error">; readonly auth: Auth | undefined },
): boolean {
  const { request } = facts;
  if (isRedirectStatus(status)) return headers["location"] !== undefined;
  if (status === 401) return auth !== undefined && !("authorization" in request.headers);
  const head = new HttpResponse({ status, statusText: "", url: request.url.href, headers, content: noBytes });
  if (request.idempotencyKey !== undefined) markRequestKeyed(head);
  try {
    return decideByHead({ ...facts, response: head }).again === "yes";
  } catch {
    // A dialect of the caller's own that throws is heard of when the answer is judged.
    return false;
  }
}

/** Whether an answer that is to be handed out came without its body. */
export function isBodyUnread({ response }: AttemptResult): boolean {
  return response !== undefined && unreadBodyOf(response) !== undefined && !isRedirectStatus(response.status);
}

/** Waits for the body of an answer that came without it; an exchange that failed where it does not come. */
export async function readUnreadBody(exchange: AttemptResult): Promise<AttemptResult> {
  try {
    if (exchange.response !== undefined) await loadContent(exchange.response);
    return exchange;
  } catch (error) {
    return { call: exchange.call, error };
  }
}
