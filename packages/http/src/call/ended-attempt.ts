import {
  describeTrace,
  summarizeError,
  type AttemptRecord,
  type DiscardedResponse,
} from "../model/attempt-record.ts";
import type { RequestSummary } from "../model/request-summary.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Trace } from "../model/trace.ts";
import { errorVerdict, type Verdict } from "../model/verdict.ts";
import { readServerStatus } from "../resume/continuation.ts";

/** The part of a record that says how the call went on after the attempt. */
export type AttemptDecision = Pick<AttemptRecord, "decision" | "delay" | "requestedDelay" | "delaySource">;

/** The trace of an attempt that has sent nothing. */
export const emptyTrace: Trace = {};

/** A reply within an attempt that the attempt discarded: a response or a failure. */
export interface SkippedReply {
  readonly discarded: DiscardedResponse;
  readonly trace: Trace;
}

/**
 * The facts of an attempt that has ended, from which its record is built when somebody reads it. It refers to no response, so
 * that a call that waits does not hold one. Times are instants on the clock.
 */
export interface EndedAttempt extends EndedResult {
  /** When its queue began, when it had passed every rate limit, and when it ended. */
  readonly queuedAt: number;
  readonly sentAt: number;
  readonly endedAt: number;
  readonly startedAt: number;
  /** The start of a response whose body broke off later, in milliseconds since 1970. */
  readonly responseStartedAt: number | undefined;
  readonly trace: Trace;
  readonly skipped: readonly SkippedReply[];
  readonly proxy: string | undefined;
  decision: AttemptDecision;
  record: AttemptRecord | undefined;
}

/** How an attempt ended. Undefined is absent. */
export interface EndedResult {
  readonly status: number | undefined;
  readonly resumedFrom: number | undefined;
  readonly error: AttemptRecord["error"] | undefined;
  readonly verdict: Verdict;
}

export interface AttemptEnd extends Pick<
  EndedAttempt,
  "startedAt" | "endedAt" | "responseStartedAt" | "decision"
> {
  readonly result: EndedResult;
}

/** What the record of an attempt has from its call. */
interface RecordContext {
  /** The number of the attempt, across the redirects of the call. */
  readonly number: number;
  readonly summary: RequestSummary;
  /** Converts an instant of the clock to milliseconds since 1970. */
  readonly toDate: (instant: number) => number;
}

/** Builds the record of an attempt. */
export function buildRecord(
  attempt: EndedAttempt,
  { number, summary, toDate }: RecordContext,
): AttemptRecord {
  const { startedAt, endedAt, responseStartedAt, status, resumedFrom, error, verdict, decision } = attempt;
  return {
    number,
    ...summary,
    startedAt: responseStartedAt ?? toDate(startedAt),
    elapsed: responseStartedAt === undefined ? endedAt - startedAt : toDate(endedAt) - responseStartedAt,
    ...describeWire(attempt),
    ...(status !== undefined && { status }),
    ...(resumedFrom !== undefined && { resumedFrom }),
    ...(error !== undefined && { error }),
    verdict,
    ...decision,
  };
}

/** Describes an attempt that failed without a response. */
export function failedResult(error: unknown): EndedResult {
  return {
    status: undefined,
    resumedFrom: undefined,
    error: summarizeError(error),
    verdict: errorVerdict(error),
  };
}

/** Describes an attempt that got a response. */
export function respondedResult(response: HttpResponse): EndedResult {
  const { status, resumedFrom } = readServerStatus(response);
  return { status, resumedFrom, error: undefined, verdict: response.verdict };
}

/** Returns the properties of a record that come from the connection and the proxy. */
function describeWire({
  queuedAt,
  sentAt,
  endedAt,
  skipped,
  proxy,
  ...attempt
}: EndedAttempt): Partial<AttemptRecord> {
  const discarded = skipped.map((reply) => reply.discarded);
  const traces = skipped.map((reply) => reply.trace);
  // Where no further request followed the last skipped reply, that reply was the attempt.
  const trace = attempt.trace === emptyTrace ? (traces.pop() ?? emptyTrace) : attempt.trace;
  return {
    ...(discarded.length > 0 && { discarded }),
    ...describeTrace(trace, { startedAt: queuedAt, sentAt, endedAt }, traces),
    ...(proxy !== undefined && { proxy }),
  };
}
