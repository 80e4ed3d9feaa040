import type { FetchResult } from "./fetch-job.ts";
import { type FetchVerdict, isFetchFailure } from "./fetcher.ts";
import { isRepeatable } from "../ledger/job.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { OutcomeState } from "../ledger/state.ts";

/** The state of the run that an outcome depends on. */
export interface OutcomeInput {
  /** Epoch ms. */
  readonly now: number;
  /** How often a row may be deferred before it fails. */
  readonly maxDeferrals: number;
  /** The longest deferral that a server may ask for, in ms. */
  readonly maxDeferDelay: number;
  /** Whether the run is ending the requests in flight. */
  readonly aborted: boolean;
  /** Whether the run starts no further attempt. A failure that a later attempt may fix then waits for the next run. */
  readonly draining: boolean;
  /** Whether the session uses a pool of proxies. A server that refuses one address may accept another. */
  readonly proxied: boolean;
}

// A page that this many calls could not fetch, each through several addresses, is probably refused to all addresses.
const maxRefusals = 2;
// The decisions of a session that found no proxy in time.
const noProxyDecisions: ReadonlySet<unknown> = new Set(["no-proxy-in-time", "no-proxy-too-long"]);

/**
 * Decides about a line after a failure of its address or its proxy. The line is deferred, because the choice
 * of proxies was chance. It counts as a deferral only when the request passed a proxy. Returns undefined when neither the
 * address nor the proxy was the cause.
 */
export function proxiedOutcome(
  lease: JobLease,
  result: FetchResult,
  input: OutcomeInput,
): OutcomeState | undefined {
  const source = findVerdict(result);
  if (source === undefined) return undefined;
  const { now, maxDeferDelay, draining } = input;
  const { reason } = source.verdict;
  const until = Math.min(Math.max(source.retryAt ?? now, now + 1), now + maxDeferDelay);
  const deferred = { at: "deferred", reason, until, deferrals: lease.deferrals } as const;
  if (!result.ok && neverPassedProxy(result.error)) return deferred;
  const kind = refusalKind(lease, result, source);
  if (kind === undefined) return undefined;
  return draining ? deferred : deferAgainOrFail(deferred, kind, input);
}

/** Returns the verdict of a response or of an error that has one. */
export function findVerdict(result: FetchResult): FetchVerdict | undefined {
  if (result.ok) return result.response;
  return isFetchFailure(result.error) ? result.error : undefined;
}

function refusalKind(
  { job }: JobLease,
  result: FetchResult,
  { verdict: { kind }, mayHaveArrived }: FetchVerdict,
): "blocked" | "throttled" | undefined {
  if (isInconclusive(result)) return isRepeatable(job) || mayHaveArrived === false ? "blocked" : undefined;
  return (kind === "blocked" || kind === "throttled") && isRepeatable(job) ? kind : undefined;
}

function deferAgainOrFail(
  deferred: Extract<OutcomeState, { at: "deferred" }>,
  kind: "blocked" | "throttled",
  { maxDeferrals }: OutcomeInput,
): OutcomeState {
  const max = kind === "blocked" ? Math.min(maxDeferrals, maxRefusals) : maxDeferrals;
  if (deferred.deferrals < max) return { ...deferred, deferrals: deferred.deferrals + 1 };
  return { at: "failed", reason: deferred.reason, retryable: true };
}

/**
 * Returns whether the cause of a failure on the way is unknown. That is so when the attempts were used up, or no other proxy
 * was available, before enough proxies had failed alike to blame the line. Recognises errors by their shape.
 */
function isInconclusive(result: FetchResult): boolean {
  if (result.ok || !isFetchFailure(result.error)) return false;
  const { error } = result;
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

/** Returns whether a line only needs a proxy. The next request to the pool then says how long to wait. Recognises attempts by their shape. */
export function isWaitingForProxy(result: FetchResult): boolean {
  const attempts = result.ok ? result.response.attempts : failureAttempts(result.error);
  const last = attempts.at(-1);
  return (
    typeof last === "object" && last !== null && "decision" in last && noProxyDecisions.has(last.decision)
  );
}

function failureAttempts(error: unknown): readonly unknown[] {
  return isFetchFailure(error) ? error.attempts : [];
}

// With these reasons a proxy judges the target, which is a property of the line.
const targetRelatedReasons: ReadonlySet<unknown> = new Set(["refused", "unsupported"]);

/** Returns whether the last attempt failed at its proxy, by the proxy's fault, or found none. Recognises errors by their shape. */
function neverPassedProxy(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  if (error.code === "ERR_DEFERRED") return neverPassedProxy(error.cause);
  return error.code === "ERR_NO_PROXY" || (error.code === "ERR_PROXY" && isProxyFault(error));
}

function isProxyFault(error: Error): boolean {
  const property = (name: string): unknown => Reflect.get(error, name);
  return (
    property("mayHaveArrived") === false &&
    property("fault") === "proxy" &&
    !targetRelatedReasons.has(property("reason"))
  );
}
