import { type HttpResponse, type ProxyAttemptRecord, ProxyError, type Verdict } from "@holdfast/http";
import { hasHeader } from "@holdfast/http/internal";
import type { IsBlocked } from "../options/options.ts";
import { outcomeFromError, outcomeFromResponse, type ProxyOutcome } from "../rules/outcome.ts";

/** An outcome, and the verdict that replaces the response's own if the pool recognises a block. */
export interface OutcomeWithVerdict {
  readonly outcome: ProxyOutcome;
  readonly verdict?: Verdict;
}

/** Converts the record of an attempt into an outcome. `isForwarded`: the proxy received the request itself. */
export function toProxyOutcome(
  { response, error, requestedDelay }: ProxyAttemptRecord,
  isForwarded: boolean,
): OutcomeWithVerdict {
  if (response === undefined) {
    const outcome = outcomeFromError(error);
    return {
      outcome: { ...outcome, retryAfter: error instanceof ProxyError ? requestedDelay() : undefined },
    };
  }
  const { kind, reason, suspicion } = outcomeFromResponse(response, isForwarded);
  // A delay of 0 does not say how long the address must pause.
  const retryAfter = kind === "throttled" ? requestedDelay() || undefined : undefined;
  const bytes = countBodyBytes(response);
  const outcome = { kind, reason, retryAfter, bytes, ...(suspicion !== undefined && { suspicion }) };
  return reason.startsWith("challenge-") ? { outcome, verdict: { ...challenge, reason } } : { outcome };
}

/** Asks the pool's `isBlocked` about a response that is not a block by itself; undefined if it is not one. */
export async function findBlock(
  response: HttpResponse,
  isBlocked: IsBlocked,
): Promise<OutcomeWithVerdict | undefined> {
  if (outcomeFromResponse(response, false).kind === "blocked") return undefined;
  const answer = await isBlocked(response);
  if (answer === false || answer === "") return undefined;
  const reason = answer === true ? "is-blocked" : answer;
  return {
    outcome: { kind: "blocked", reason, bytes: countBodyBytes(response) },
    verdict: { ...block, reason },
  };
}

const block = {
  kind: "blocked",
  advice: "use another proxy; the pool's isBlocked recognised a block page",
} as const;

const challenge = {
  kind: "blocked",
  advice: "use another proxy; the site sent a challenge page instead of the content",
} as const;

/** Counts the bytes of the body: as sent if the response has a Content-Length, otherwise as decoded. */
function countBodyBytes(response: HttpResponse): number {
  const length = hasHeader(response, "content-length") ? Number(response.headers.get("content-length")) : NaN;
  if (Number.isFinite(length)) return length;
  try {
    return response.content.byteLength;
  } catch {
    // A streamed response does not know its size yet.
    return 0;
  }
}
