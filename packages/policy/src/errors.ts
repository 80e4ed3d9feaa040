import type { Attempt } from "./retry/attempt.ts";

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

  override get name(): string {
    return this.constructor.name;
  }
}

/** Why a call ended though its condition asked for another attempt. */
export type GiveUpReason = "stop" | "deadline" | "budget";

/** Every attempt failed and no further one is made: the last failure is the `cause`, all attempts are at hand. */
export class RetryError extends HoldfastError {
  readonly code = "ERR_RETRIES_EXHAUSTED";
  readonly reason: GiveUpReason;
  readonly attempts: readonly Attempt[];

  constructor(reason: GiveUpReason, attempts: readonly Attempt[]) {
    const outcome = attempts.at(-1)?.outcome;
    const cause = outcome?.ok === false ? outcome.error : undefined;
    super(describeGiveUp(attempts, cause), cause === undefined ? undefined : { cause });
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
  const what = cause instanceof Error ? cause.message || cause.name : cause === undefined ? "the result was refused" : String(cause);
  return `Gave up after ${count} ${count === 1 ? "attempt" : "attempts"}: ${what}`;
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

/** The error that a task throws to be called again, whatever the condition says (tenacity's `TryAgain`). */
export class TryAgain extends Error {
  override readonly name = "TryAgain";
}
