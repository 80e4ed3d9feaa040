import { RateLimitedError, type Clock } from "@holdfast/policy";
import { startTimer } from "@holdfast/policy/internal";
import {
  afterAccepted,
  afterSent,
  isPaceExpired,
  nextSendTime,
  afterLimitHit,
  type Pace,
  type LimitHit,
} from "./pace.ts";
import { onAbort } from "../support/bounded-wait.ts";
import { steadyRate } from "./rate.ts";

/** The limits of a request's wait in the queue. */
export interface AcquireLimits {
  /** The instant on the clock by which the request must have been sent. */
  readonly deadline: number;
  /** Longest pause to wait for, in milliseconds. */
  readonly longestPause: number;
  readonly signals: readonly (AbortSignal | undefined)[];
}

interface Waiter {
  readonly leave: () => void;
  readonly refuse: (reason: unknown) => void;
  readonly longestPause: number;
}

/** One rate limit of one server. Requests are sent one after another, in order, at the rate that the limiter has learned. */
export class Limiter {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  #pace: Pace;
  #inFlight = 0;
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  /** Whether the limiter has delayed no request for a long time and can be removed. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#inFlight === 0 && isPaceExpired(this.#pace, this.#clock.now());
  }

  /**
   * Resolves when the request may be sent, or returns undefined if it may be sent immediately. Call `release` afterwards.
   *
   * @throws RateLimitedError, immediately or during the wait, if the request cannot be sent in time; the reason of a signal.
   */
  acquire(limits: AcquireLimits): Promise<void> | undefined {
    const now = this.#clock.now();
    const load = { inFlight: this.#inFlight, waiting: this.#waiting.size };
    if (load.waiting === 0 && nextSendTime(this.#pace, now, load) <= now) {
      this.#recordSent(now);
      return undefined;
    }
    const pause = Math.max(0, this.#pace.pausedUntil - now);
    const delay = pause + this.#waiting.size / steadyRate(this.#pace.speed, now);
    if (pause > limits.longestPause || now + delay >= limits.deadline) throw this.#tooLate(delay);
    const turn = this.#enqueue(limits, now);
    this.#sendDue();
    return turn;
  }

  /** Records that a request has ended, with any result. */
  release(): void {
    this.#inFlight -= 1;
    this.#sendDue();
  }

  /** Records that the request sent at `sentAt` was accepted. */
  recordAccepted(sentAt: number): void {
    this.#pace = afterAccepted(this.#pace, this.#clock.now(), sentAt);
    this.#sendDue();
  }

  /** Records that the server hit its limit. Rejects the waiting requests that allow only a shorter pause. */
  recordLimit(hit: Omit<LimitHit, "now" | "hasWaiters">): void {
    const now = this.#clock.now();
    this.#pace = afterLimitHit(this.#pace, { ...hit, now, hasWaiters: this.#waiting.size > 0 });
    const pause = this.#pace.pausedUntil - now;
    for (const waiter of this.#waiting) if (pause > waiter.longestPause) waiter.refuse(this.#tooLate(pause));
    this.#sendDue();
  }

  /** Rejects all waiting requests. */
  close(reason: Error): void {
    this.#stopTimer?.();
    for (const waiter of this.#waiting) waiter.refuse(reason);
  }

  #enqueue({ deadline, longestPause, signals }: AcquireLimits, now: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const forget = (): void => {
        stopTimer();
        stopListening();
        this.#waiting.delete(waiter);
      };
      const refuse = (reason: unknown): void => {
        forget();
        reject(reason);
      };
      const leave = (): void => {
        forget();
        resolve();
      };
      const waiter: Waiter = { leave, refuse, longestPause };
      const stopTimer = startTimer(this.#clock, deadline - now, () => refuse(this.#tooLate(0)));
      const stopListening = onAbort(signals, refuse);
      const aborted = signals.find((signal) => signal?.aborted === true);
      if (aborted === undefined) this.#waiting.add(waiter);
      else refuse(aborted.reason);
    });
  }

  #tooLate(delay: number): RateLimitedError {
    return new RateLimitedError(delay, this.#clock.date() + delay);
  }

  /** Sends all requests that are due, and starts a timer for the next one. */
  readonly #sendDue = (): void => {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    for (const waiter of this.#waiting) {
      const at = this.#clock.now();
      const load = { inFlight: this.#inFlight, waiting: this.#waiting.size };
      const turn = nextSendTime(this.#pace, at, load);
      if (turn > at) {
        this.#stopTimer = startTimer(this.#clock, turn - at, this.#sendDue);
        return;
      }
      this.#recordSent(at);
      waiter.leave();
    }
  };

  #recordSent(at: number): void {
    this.#pace = afterSent(this.#pace, at);
    this.#inFlight += 1;
  }
}
