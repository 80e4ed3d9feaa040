import { brandClass, isBranded, type BrandedClass } from "../support/brand.ts";
import { redact } from "../support/redact.ts";
import { shorten } from "../support/shorten.ts";
import type { Attempt } from "./attempt.ts";

/**
 * The base class of all errors that holdfast throws.
 *
 * ```
 * HoldfastError (abstract)
 * ├─ RetryError              ERR_RETRIES_EXHAUSTED
 * ├─ DeadlineExceededError   ERR_DEADLINE; a TimeoutError, by instanceof
 * └─ RejectedError (abstract): the policy did not run the task
 *    ├─ CircuitOpenError     ERR_CIRCUIT_OPEN
 *    ├─ BulkheadFullError    ERR_BULKHEAD_FULL
 *    └─ RateLimitedError     ERR_RATE_LIMITED
 * ```
 */
export abstract class HoldfastError extends Error {
  abstract readonly code: string;

  /** Removes text that looks like credentials from the message, and the middle of one longer than 2,000 characters. */
  constructor(message: string, options?: ErrorOptions) {
    super(shorten(redact(message)), options);
  }

  override get name(): string {
    return this.constructor.name;
  }

  /** Returns whether a value is an error of this class, of this or another copy of the package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(this, value);
  }
}

/**
 * Recognises every error of a limit of time: `error instanceof TimeoutError` is true for `ConnectTimeoutError`,
 * `ReadTimeoutError`, `UploadTimeoutError`, `AttemptTimeoutError` and `DeadlineExceededError`. It is not their parent, so each
 * keeps its place in the tree.
 */
export abstract class TimeoutError extends HoldfastError {
  /** The limit, in milliseconds. */
  abstract readonly limit: number;
}

/** The reason why a call ended although its condition asked for another attempt. */
export type GiveUpReason = "stop" | "deadline" | "budget";

/** The options of a `RetryError`. */
export interface RetryErrorOptions extends ErrorOptions {
  /** Message of the error. @default a description of the last failure */
  readonly message?: string;
}

/** Every attempt of a retry failed, and the retry gave up. `cause` is the last failure. */
export class RetryError extends HoldfastError {
  readonly code = "ERR_RETRIES_EXHAUSTED";
  readonly reason: GiveUpReason;
  /** The latest 100 attempts, the oldest first. Not enumerable, so that an uncaught error prints few lines. */
  declare readonly attempts: readonly Attempt[];

  /** Uses the error of the last attempt as the cause, unless `options` has another one. */
  constructor(reason: GiveUpReason, attempts: readonly Attempt[], options: RetryErrorOptions = {}) {
    const outcome = attempts.at(-1)?.outcome;
    const cause = options.cause ?? (outcome?.ok === false ? outcome.error : undefined);
    super(options.message ?? describeGiveUp(attempts, cause), cause === undefined ? undefined : { cause });
    this.reason = reason;
    Object.defineProperty(this, "attempts", { value: attempts, writable: true, configurable: true });
  }

  /** The last attempt. */
  get last(): Attempt | undefined {
    return this.attempts.at(-1);
  }
}

function describeGiveUp(attempts: readonly Attempt[], cause: unknown): string {
  const count = attempts.at(-1)?.number ?? 0;
  const failure = cause === undefined ? "the result was refused" : describeCause(cause);
  return `Gave up after ${count} ${count === 1 ? "attempt" : "attempts"}: ${failure}`;
}

function describeCause(cause: unknown): string {
  if (cause instanceof Error) return cause.message || cause.name;
  return typeof cause === "string" ? cause : `a thrown ${typeof cause}`;
}

/** The call did not end within its time limit. */
export class DeadlineExceededError extends HoldfastError {
  readonly code = "ERR_DEADLINE";
  /** The time limit in milliseconds. */
  readonly limit: number;

  constructor(limit: number, options?: ErrorOptions) {
    super(`The call did not finish within ${limit} ms`, options);
    this.limit = limit;
  }
}

/** A policy did not run the task. */
export abstract class RejectedError extends HoldfastError {}

// ECMA-262, 21.4.1.1: the latest time that a Date can hold.
const maxDate = 8.64e15;

/** The circuit is open, so the breaker rejected the call. */
export class CircuitOpenError extends RejectedError {
  readonly code = "ERR_CIRCUIT_OPEN";
  /** Earliest time of the next call, in milliseconds since 1970; `Infinity` while the circuit is isolated. */
  readonly retryAt: number;

  constructor(retryAt: number, options?: ErrorOptions) {
    super(
      `The circuit is open until ${retryAt <= maxDate ? new Date(retryAt).toISOString() : "it is released"}`,
      options,
    );
    this.retryAt = retryAt;
  }
}

/** The bulkhead and its queue are full. */
export class BulkheadFullError extends RejectedError {
  readonly code = "ERR_BULKHEAD_FULL";
  /** How many calls may run at the same time. */
  readonly concurrency: number;
  /** How many calls may wait in the queue. */
  readonly queue: number;

  constructor(concurrency: number, queue: number, options?: ErrorOptions) {
    super(`Already ${concurrency} running and ${queue} waiting`, options);
    this.concurrency = concurrency;
    this.queue = queue;
  }
}

/** The rate limit would start the call later than `maxWait` or the deadline allows. */
export class RateLimitedError extends RejectedError {
  readonly code = "ERR_RATE_LIMITED";
  /** How long the call would have to wait, in milliseconds. */
  readonly delay: number;
  /** When the call could start, in milliseconds since 1970. */
  readonly retryAt: number;

  /** `options.limit` names the owner of the limit, and `options.remedy` which option changes it. */
  constructor(
    delay: number,
    retryAt: number,
    options?: ErrorOptions & { readonly limit?: string; readonly remedy?: string },
  ) {
    const { limit = "", remedy = "" } = options ?? {};
    super(`${limit}The next turn is in ${Math.ceil(delay)} ms, which is too late${remedy}`, options);
    this.delay = delay;
    this.retryAt = retryAt;
  }
}

/** A task throws this error to be retried regardless of the condition (tenacity's `TryAgain`). */
export class TryAgain extends Error {
  override readonly name = "TryAgain";

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(this, value);
  }
}

for (const [name, target] of Object.entries<BrandedClass>({
  HoldfastError,
  RetryError,
  RejectedError,
  TimeoutError,
  CircuitOpenError,
  BulkheadFullError,
  RateLimitedError,
  TryAgain,
}))
  brandClass(target, name);
brandClass(DeadlineExceededError, "DeadlineExceededError", "TimeoutError");
