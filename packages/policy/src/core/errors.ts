import { redact } from "../support/redact.ts";
import type { Attempt } from "./attempt.ts";

/**
 * What holdfast throws on purpose.
 *
 * ```
 * HoldfastError (abstract)
 * ├─ RetryError              ERR_RETRIES_EXHAUSTED
 * ├─ DeadlineExceededError   ERR_DEADLINE
 * └─ RejectedError (abstract): the task was not run
 *    ├─ CircuitOpenError     ERR_CIRCUIT_OPEN
 *    ├─ BulkheadFullError    ERR_BULKHEAD_FULL
 *    └─ RateLimitedError     ERR_RATE_LIMITED
 * ```
 */
export abstract class HoldfastError extends Error {
  abstract readonly code: string;

  /** Takes any text: what looks like credentials does not get into the message. */
  constructor(message: string, options?: ErrorOptions) {
    super(redact(message), options);
  }

  override get name(): string {
    return this.constructor.name;
  }
}

/** Why a call ended though its condition asked for another attempt. */
export type GiveUpReason = "stop" | "deadline" | "budget";

/** The options of a `RetryError`. */
export interface RetryErrorOptions extends ErrorOptions {
  /** @default a description of the last failure */
  readonly message?: string;
}

/** Every attempt failed and no further one is made: the last failure is the `cause`, the attempts are at hand (the latest 100). */
export class RetryError extends HoldfastError {
  readonly code = "ERR_RETRIES_EXHAUSTED";
  readonly reason: GiveUpReason;
  readonly attempts: readonly Attempt[];

  /** The cause is the last attempt's error unless `options` names another. */
  constructor(reason: GiveUpReason, attempts: readonly Attempt[], options: RetryErrorOptions = {}) {
    const outcome = attempts.at(-1)?.outcome;
    const cause = options.cause ?? (outcome?.ok === false ? outcome.error : undefined);
    super(options.message ?? describeGiveUp(attempts, cause), cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.attempts = attempts;
  }

  /** The last attempt: its outcome is what the caller would have got without a retry. */
  get last(): Attempt | undefined {
    return this.attempts.at(-1);
  }
}

function describeGiveUp(attempts: readonly Attempt[], cause: unknown): string {
  const count = attempts.at(-1)?.number ?? 0;
  const what = cause === undefined ? "the result was refused" : describeCause(cause);
  return `Gave up after ${count} ${count === 1 ? "attempt" : "attempts"}: ${what}`;
}

function describeCause(cause: unknown): string {
  if (cause instanceof Error) return cause.message || cause.name;
  return typeof cause === "string" ? cause : `a thrown ${typeof cause}`;
}

/** The call did not end within its limit. */
export class DeadlineExceededError extends HoldfastError {
  readonly code = "ERR_DEADLINE";
  /** The limit, in milliseconds. */
  readonly limit: number;

  constructor(limit: number, options?: ErrorOptions) {
    super(`Not done within ${limit} ms`, options);
    this.limit = limit;
  }
}

/** The task was not run at all. */
export abstract class RejectedError extends HoldfastError {}

// ECMA-262, 21.4.1.1: a Date holds nothing later.
const maxDate = 8.64e15;

/** A circuit breaker lets no call through. */
export class CircuitOpenError extends RejectedError {
  readonly code = "ERR_CIRCUIT_OPEN";
  /** When a call may be let through again, in milliseconds since 1970; `Infinity` while the circuit is isolated. */
  readonly retryAt: number;

  constructor(retryAt: number, options?: ErrorOptions) {
    super(
      `The circuit is open until ${retryAt <= maxDate ? new Date(retryAt).toISOString() : "it is released"}`,
      options,
    );
    this.retryAt = retryAt;
  }
}

/** Every place, and every place in the queue for one, is taken. */
export class BulkheadFullError extends RejectedError {
  readonly code = "ERR_BULKHEAD_FULL";
  /** How many calls may run at once. */
  readonly concurrency: number;
  /** How many may wait for one of them to end. */
  readonly queue: number;

  constructor(concurrency: number, queue: number, options?: ErrorOptions) {
    super(`Already ${concurrency} running and ${queue} waiting`, options);
    this.concurrency = concurrency;
    this.queue = queue;
  }
}

/** The call's turn under a rate limit comes too late. */
export class RateLimitedError extends RejectedError {
  readonly code = "ERR_RATE_LIMITED";
  /** How long the call would have had to wait, in milliseconds. */
  readonly delay: number;
  /** When its turn would have come, in milliseconds since 1970. */
  readonly retryAt: number;

  constructor(delay: number, retryAt: number, options?: ErrorOptions) {
    super(`The next turn is in ${Math.ceil(delay)} ms, which is too late`, options);
    this.delay = delay;
    this.retryAt = retryAt;
  }
}

/** The error that a task throws to be called again, whatever the condition says (tenacity's `TryAgain`). */
export class TryAgain extends Error {
  override readonly name = "TryAgain";
}
