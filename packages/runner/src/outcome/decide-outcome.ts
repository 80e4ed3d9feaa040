import { type FetchedResponse, type FetchFailure, isFetchFailure } from "./fetcher.ts";
import { isRepeatable } from "../ledger/job.ts";
import type { RecordedExchange, JobLease, JobOutcome } from "../ledger/ledger.ts";
import type { FetchResult } from "./fetch-job.ts";
import { type OutcomeInput, proxiedOutcome, isWaitingForProxy } from "./proxied-outcome.ts";
import type { OutcomeState } from "../ledger/state.ts";

// A line that waits for a proxy is soon one of those for whose host the pool is asked.
const maxProxyWaitDelay = 1_000;

/** Decides what becomes of a lease; undefined = it goes back as it was, for nothing is lost by sending it again. */
export function decideOutcome(
  lease: JobLease,
  settled: FetchResult,
  circumstances: OutcomeInput,
): JobOutcome | undefined {
  const { now, proxied } = circumstances;
  const outcome = outcomeOf(lease, settled, circumstances);
  if (outcome?.state.at !== "deferred" || !proxied || !isWaitingForProxy(settled)) return outcome;
  const until = Math.min(outcome.state.until, now + maxProxyWaitDelay);
  return { ...outcome, state: { ...outcome.state, until } };
}

function outcomeOf(
  lease: JobLease,
  settled: FetchResult,
  circumstances: OutcomeInput,
): JobOutcome | undefined {
  const { now: at, proxied } = circumstances;
  const onward = proxied ? proxiedOutcome(lease, settled, circumstances) : undefined;
  if (settled.ok) {
    const { response } = settled;
    const exchange = recordResponse(response);
    if (isUnfollowedRedirect(response.status)) {
      const state = { at: "failed", reason: `http-${response.status}`, retryable: false } as const;
      return {
        lease,
        at,
        state,
        advice: "The redirect leads nowhere: its Location is missing, or no http URL",
        exchange,
      };
    }
    const state = onward ?? stateAfterResponse(lease, response, circumstances);
    return { lease, at, state, advice: response.verdict.advice, exchange };
  }
  const { error } = settled;
  if (isFetchFailure(error)) {
    const decide = error.response === undefined ? stateAfterFailure : stateAfterResponse;
    const state = onward ?? decide(lease, error, circumstances);
    return { lease, at, state, advice: error.verdict.advice, exchange: recordFailure(error) };
  }
  if (circumstances.aborted)
    return isRepeatable(lease.job)
      ? undefined
      : { lease, at, state: { at: "unknown", reason: "aborted" }, advice: checkBeforeResending };
  return { lease, at, ...unexpectedOutcome(error) };
}

/** Tells until when (epoch ms) the whole host asked to be left alone, within what the run accepts. */
export function findHostHold(
  settled: FetchResult,
  { now, maxDeferDelay }: Pick<OutcomeInput, "now" | "maxDeferDelay">,
): number | undefined {
  const source = settled.ok ? settled.response : isFetchFailure(settled.error) ? settled.error : undefined;
  if (source?.verdict.kind !== "throttled" || source.retryAt === undefined) return undefined;
  return Math.min(source.retryAt, now + maxDeferDelay);
}

// 304 is the answer to a condition that the line itself has set.
function isUnfollowedRedirect(status: number): boolean {
  return status >= 300 && status < 400 && status !== 304;
}

const checkBeforeResending =
  "Find out whether the request was executed before sending it again; an idempotency key makes that safe";

function stateAfterResponse(
  lease: JobLease,
  answer: Pick<FetchFailure, "verdict" | "retryAt" | "mayHaveArrived">,
  circumstances: OutcomeInput,
): OutcomeState {
  const { kind, reason } = answer.verdict;
  if (kind === "success") return { at: "done" };
  if (kind === "blocked" || kind === "rejected" || !isRepeatable(lease.job))
    return { at: "failed", reason, retryable: false };
  return deferOrFail(lease, answer, circumstances);
}

// A run that drains cuts retries short, so that what it sees then is no proof that they are used up; neither is a request
// that the session held back.
function deferOrFail(
  { deferrals }: JobLease,
  {
    retryAt,
    verdict: { reason },
    mayHaveArrived,
  }: Pick<FetchFailure, "verdict" | "retryAt" | "mayHaveArrived">,
  { now, maxDeferrals, maxDeferDelay, draining }: OutcomeInput,
): OutcomeState {
  const unsent = mayHaveArrived === false && retryAt !== undefined;
  const until = Math.min(Math.max(retryAt ?? now, now + 1), now + maxDeferDelay);
  if (draining || unsent) return { at: "deferred", reason, until, deferrals };
  if (retryAt === undefined || deferrals >= maxDeferrals) return { at: "failed", reason, retryable: true };
  return { at: "deferred", reason, until, deferrals: deferrals + 1 };
}

// No answer came: what was not idempotent may have been executed, unless it is known that it never arrived.
function stateAfterFailure(
  lease: JobLease,
  failure: FetchFailure,
  circumstances: OutcomeInput,
): OutcomeState {
  const { kind, reason } = failure.verdict;
  if (isRepeatable(lease.job) || kind === "blocked" || kind === "rejected")
    return stateAfterResponse(lease, failure, circumstances);
  if (failure.mayHaveArrived !== false) return { at: "unknown", reason };
  return circumstances.draining || failure.retryAt !== undefined
    ? deferOrFail(lease, failure, circumstances)
    : { at: "failed", reason, retryable: true };
}

function unexpectedOutcome(error: unknown): Pick<JobOutcome, "state" | "advice" | "exchange"> {
  const message = error instanceof Error ? error.message : String(error);
  const reason = error instanceof TypeError ? "bad-request" : "unexpected-error";
  return {
    state: { at: "failed", reason, retryable: false },
    advice: message,
    exchange: { attempts: [], bytes: 0, elapsed: 0, error: message },
  };
}

function recordResponse(response: FetchedResponse): RecordedExchange {
  const { status, url, content, attempts, elapsed } = response;
  return {
    status,
    finalUrl: url,
    headers: [...response.headers.entries()],
    body: content,
    bytes: content.length,
    attempts,
    elapsed,
  };
}

function recordFailure(failure: Error & FetchFailure): RecordedExchange {
  const answered =
    failure.response === undefined ? { bytes: 0, elapsed: 0 } : recordResponse(failure.response);
  return { ...answered, attempts: failure.attempts, error: failure.message };
}
