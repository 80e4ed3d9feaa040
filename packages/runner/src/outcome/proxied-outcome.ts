import type { FetchResult } from "./fetch-job.ts";
import { type FetchFailure, isFetchFailure } from "./fetcher.ts";
import { isRepeatable } from "../ledger/job.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { OutcomeState } from "../ledger/state.ts";

/** What a conclusion depends on beside the exchange. */
export interface OutcomeInput {
  /** Epoch ms. */
  readonly now: number;
  /** How often a row may be deferred. */
  readonly maxDeferrals: number;
  /** How long a server may put a row off, in ms; what it asks beyond that is cut. */
  readonly maxDeferDelay: number;
  /** Whether the run was ending its requests. */
  readonly aborted: boolean;
  /** Whether the run was taking no more time: what a later attempt may cure then waits for one, instead of having failed. */
  readonly draining: boolean;
  /** Whether requests go through a pool of proxies: what refuses one address may let in another. */
  readonly proxied: boolean;
}

// A page that is refused through so many addresses, one call after the other, is likely refused to all.
const maxRefusals = 2;
// The session's words for calls that ended because no proxy was fit soon enough.
const noProxyDecisions: ReadonlySet<unknown> = new Set(["no-proxy-in-time", "no-proxy-too-long"]);

/**
 * Decides what becomes of a line whose request was stopped by the address that it came from, or on the way there: it goes
 * again, for through which proxies it went was chance. That is no round of its own where it never got through a proxy.
 * Undefined where it ended otherwise.
 */
export function proxiedOutcome(
  lease: JobLease,
  settled: FetchResult,
  circumstances: OutcomeInput,
): OutcomeState | undefined {
  const answer = answerOf(settled);
  if (answer === undefined) return undefined;
  const { now, maxDeferDelay, draining } = circumstances;
  const { reason } = answer.verdict;
  const until = Math.min(Math.max(answer.retryAt ?? now, now + 1), now + maxDeferDelay);
  const again = { at: "deferred", reason, until, deferrals: lease.deferrals } as const;
  if (!settled.ok && neverPassedProxy(settled.error)) return again;
  const kind = refusalKind(lease, settled, answer);
  if (kind === undefined) return undefined;
  return draining ? again : deferAgainOrFail(again, kind, circumstances);
}

type Answer = Pick<FetchFailure, "verdict" | "retryAt" | "mayHaveArrived">;

function refusalKind(
  { job }: JobLease,
  settled: FetchResult,
  { verdict: { kind }, mayHaveArrived }: Answer,
): "blocked" | "throttled" | undefined {
  if (isInconclusive(settled)) return isRepeatable(job) || mayHaveArrived === false ? "blocked" : undefined;
  return (kind === "blocked" || kind === "throttled") && isRepeatable(job) ? kind : undefined;
}

function deferAgainOrFail(
  again: Extract<OutcomeState, { at: "deferred" }>,
  kind: "blocked" | "throttled",
  { maxDeferrals }: OutcomeInput,
): OutcomeState {
  const most = kind === "blocked" ? Math.min(maxDeferrals, maxRefusals) : maxDeferrals;
  if (again.deferrals < most) return { ...again, deferrals: again.deferrals + 1 };
  return { at: "failed", reason: again.reason, retryable: true };
}

/**
 * Whether it is left open if a failure on the way was the line's: the attempts were used up, or no other proxy was fit,
 * before so many had failed alike that it must be. Recognised by shape.
 */
function isInconclusive(settled: FetchResult): boolean {
  if (settled.ok || !isFetchFailure(settled.error)) return false;
  const { error } = settled;
  const failure = Reflect.get(error, "code") === "ERR_DEFERRED" ? error.cause : error;
  if (!(failure instanceof Error) || !("code" in failure)) return false;
  if (failure.code === "ERR_PROXY")
    return Reflect.get(failure, "fault") === "unknown" && error.mayHaveArrived === false;
  return (failure.code === "ERR_TLS" || failure.code === "ERR_PROTOCOL") && !isFinal(error.attempts.at(-1));
}

function isFinal(attempt: unknown): boolean {
  const decision: unknown =
    typeof attempt === "object" && attempt !== null ? Reflect.get(attempt, "decision") : undefined;
  return decision !== "retries-exhausted" && !noProxyDecisions.has(decision);
}

function answerOf(settled: FetchResult): Answer | undefined {
  if (settled.ok) return settled.response;
  return isFetchFailure(settled.error) ? settled.error : undefined;
}

/** Whether a line waits for nothing but a proxy: whoever asks the pool for one again learns how long. Recognised by shape. */
export function isWaitingForProxy(settled: FetchResult): boolean {
  const attempts = settled.ok ? settled.response.attempts : failureAttempts(settled.error);
  const last = attempts.at(-1);
  return (
    typeof last === "object" && last !== null && "decision" in last && noProxyDecisions.has(last.decision)
  );
}

function failureAttempts(error: unknown): readonly unknown[] {
  return isFetchFailure(error) ? error.attempts : [];
}

// What a proxy makes of a target is about the line.
const targetRelatedReasons: ReadonlySet<unknown> = new Set(["refused", "unsupported"]);

/** Whether the last attempt ended at its proxy, by the proxy's fault, or found none; recognised by shape. */
function neverPassedProxy(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  if (error.code === "ERR_DEFERRED") return neverPassedProxy(error.cause);
  return error.code === "ERR_NO_PROXY" || (error.code === "ERR_PROXY" && isProxyFault(error));
}

function isProxyFault(error: Error): boolean {
  const of = (name: string): unknown => Reflect.get(error, name);
  return of("mayHaveArrived") === false && of("fault") === "proxy" && !targetRelatedReasons.has(of("reason"));
}
