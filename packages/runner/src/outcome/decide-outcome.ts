import { isRepeatable } from "../ledger/job.ts";
import type { JobLease, JobOutcome, RecordedExchange } from "../ledger/ledger.ts";
import type { OutcomeState } from "../ledger/state.ts";
import type { FetchResult } from "./fetch-job.ts";
import { type FetchedResponse, type FetchFailure, type FetchVerdict, isFetchFailure } from "./fetcher.ts";
import { maxProxyWaitDelay, repeatedAttempts } from "./suspended-outcome.ts";
import { isWaitingForProxy, type OutcomeInput, proxiedOutcome } from "./proxied-outcome.ts";

/** Decides the outcome of a lease. Returns undefined when the lease is to be taken back unchanged, because sending again loses nothing. */
export function decideOutcome(
  lease: JobLease,
  result: FetchResult,
  input: OutcomeInput,
): JobOutcome | undefined {
  const outcome = result.ok ? decideForResponse(lease, result, input) : decideForError(lease, result, input);
  if (outcome?.state.at !== "deferred" || !input.proxied || !isWaitingForProxy(result)) return outcome;
  const until = Math.min(outcome.state.until, input.now + maxProxyWaitDelay);
  return { ...outcome, state: { ...outcome.state, until } };
}

function decideForResponse(
  lease: JobLease,
  result: Extract<FetchResult, { ok: true }>,
  input: OutcomeInput,
): JobOutcome {
  const { response } = result;
  const exchange = recordResponse(response, repeatedAttempts(lease));
  const at = input.now;
  if (isUnfollowedRedirect(response.status)) {
    const state = { at: "failed", reason: `http-${response.status}`, retryable: false } as const;
    return {
      lease,
      at,
      state,
      advice: "The redirect cannot be followed: its Location header is missing or not an http URL",
      exchange,
    };
  }
  const proxied = input.proxied ? proxiedOutcome(lease, result, input) : undefined;
  const state = proxied ?? stateAfterVerdict(lease, response, input);
  return { lease, at, state, advice: response.verdict.advice, exchange };
}

function decideForError(
  lease: JobLease,
  result: Extract<FetchResult, { ok: false }>,
  input: OutcomeInput,
): JobOutcome | undefined {
  const { error } = result;
  const at = input.now;
  if (isFetchFailure(error)) {
    const proxied = input.proxied ? proxiedOutcome(lease, result, input) : undefined;
    const decideState = error.response === undefined ? stateWithoutResponse : stateAfterVerdict;
    const state = proxied ?? decideState(lease, error, input);
    return {
      lease,
      at,
      state,
      advice: error.verdict.advice,
      exchange: recordFailure(error, repeatedAttempts(lease)),
    };
  }
  if (input.aborted)
    return isRepeatable(lease.job)
      ? undefined
      : { lease, at, state: { at: "unknown", reason: "aborted" }, advice: checkBeforeResending };
  return { lease, at, ...unexpectedOutcome(error) };
}

// 304 is the response to a condition in the line's own headers.
function isUnfollowedRedirect(status: number): boolean {
  return status >= 300 && status < 400 && status !== 304;
}

const checkBeforeResending =
  "Find out whether the request was executed before you send it again; an idempotency key makes a repeat safe";

function stateAfterVerdict(lease: JobLease, source: FetchVerdict, input: OutcomeInput): OutcomeState {
  const { kind, reason } = source.verdict;
  if (kind === "success") return { at: "done" };
  if (kind === "blocked" || kind === "rejected" || !isRepeatable(lease.job))
    return { at: "failed", reason, retryable: false };
  return deferOrFail(lease, source, input);
}

// Without a response, an unsafe request may have been executed, unless it certainly never arrived.
function stateWithoutResponse(lease: JobLease, failure: FetchFailure, input: OutcomeInput): OutcomeState {
  const { kind, reason } = failure.verdict;
  if (isRepeatable(lease.job) || kind === "blocked" || kind === "rejected")
    return stateAfterVerdict(lease, failure, input);
  if (failure.mayHaveArrived !== false) return { at: "unknown", reason };
  return input.draining || failure.retryAt !== undefined
    ? deferOrFail(lease, failure, input)
    : { at: "failed", reason, retryable: true };
}

// Two failures say nothing about the remaining retries: one in a run that drains, and one of a request that was not sent.
function deferOrFail(
  { deferrals }: JobLease,
  { retryAt, verdict: { reason }, mayHaveArrived }: FetchVerdict,
  { now, maxDeferrals, maxDeferDelay, draining }: OutcomeInput,
): OutcomeState {
  const isUnsent = mayHaveArrived === false && retryAt !== undefined;
  const until = Math.min(Math.max(retryAt ?? now, now + 1), now + maxDeferDelay);
  if (draining || isUnsent) return { at: "deferred", reason, until, deferrals };
  if (retryAt === undefined || deferrals >= maxDeferrals) return { at: "failed", reason, retryable: true };
  return { at: "deferred", reason, until, deferrals: deferrals + 1 };
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

function recordResponse(response: FetchedResponse, repeated: number): RecordedExchange {
  const { status, url, content, attempts, elapsed } = response;
  return {
    status,
    finalUrl: url,
    headers: [...response.headers.entries()],
    body: content,
    bytes: content.length,
    attempts,
    elapsed,
    ...repeating(attempts, repeated),
  };
}

/** Attempts of a continued request were counted when it was suspended. */
function repeating(attempts: readonly unknown[], repeated: number): Pick<RecordedExchange, "repeated"> {
  return repeated === 0 ? {} : { repeated: Math.min(repeated, attempts.length) };
}

function recordFailure(failure: Error & FetchFailure, repeated: number): RecordedExchange {
  const received =
    failure.response === undefined ? { bytes: 0, elapsed: 0 } : recordResponse(failure.response, repeated);
  const { attempts } = failure;
  return { ...received, attempts, ...repeating(attempts, repeated), error: failure.message };
}
