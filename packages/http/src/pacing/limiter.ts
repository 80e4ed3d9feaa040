import { RateLimitedError, type Clock } from "@holdfast/policy";
import { startTimer } from "@holdfast/policy/internal";
import {
  afterAccepted,
  afterSent,
  afterQuota,
  isPaceExpired,
  nextSendTime,
  afterLimitHit,
  freePace,
  expectedWait,
  paceOpensAt,
  type Pace,
  type LimitHit,
} from "./pace.ts";
import { onAbort } from "../support/bounded-wait.ts";
import type { Quota } from "./quota.ts";
import { attachRefusal, type Refusal } from "./refusal.ts";
import { emptyTally } from "./tally.ts";

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

// The limits of hosts that were visited once are many: without waiting requests they share one set.
const nobody = new Set<Waiter>();

const pastDeadline = "; raise timeout.total to wait for it, or pass pacing: false to ignore rate limits";

function longPause(longest: number): string {
  return `; raise retryAfterMax of retry (${longest} ms) to wait for it, or pass pacing: false to ignore rate limits`;
}

/** One rate limit of one server. Requests are sent one after another, in order, at the rate that the limiter has learned. */
export class Limiter {
  readonly #clock: Clock;
  /** The host of this limit. */
  readonly host: string;
  /** The header or status that announced the limit. */
  #source = "";
  /** The response that closed the limit, if its caller was a fetch. */
  #refusal: Refusal | undefined;
  #waiting = nobody;
  #pace: Pace;
  #inFlight = 0;
  /** Whether a request was refused its turn, since the last one was sent and before it: as if it waited. */
  #isWanted = false;
  #wasWanted = false;
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, host: string, pace: Pace) {
    this.#clock = clock;
    this.host = host;
    this.#pace = pace;
  }

  /** Whether no request waits or is under way. */
  get isUnused(): boolean {
    return this.#waiting.size === 0 && this.#inFlight === 0;
  }

  /** Whether the limiter has delayed no request for a long time and can be removed. */
  get isIdle(): boolean {
    return this.isUnused && isPaceExpired(this.#pace, this.#clock.now());
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
    const pause = Math.max(0, paceOpensAt(this.#pace, now) - now);
    const delay = expectedWait(this.#pace, now, this.#waiting.size);
    if (pause > limits.longestPause) throw this.#tooLate(delay, longPause(limits.longestPause));
    if (now + delay >= limits.deadline) {
      this.#isWanted = true;
      throw this.#tooLate(delay, pastDeadline);
    }
    const turn = this.#enqueue(limits, now);
    this.#sendDue();
    return turn;
  }

  /** Returns when a request that does not queue may be sent; undefined for now. The request counts as one that waits. */
  nextTurn(): { readonly at: number; readonly source: string } | undefined {
    const now = this.#clock.now();
    const load = { inFlight: this.#inFlight, waiting: this.#waiting.size + Number(this.#isWanted) };
    const turn = nextSendTime(this.#pace, now, load);
    const behind = this.#waiting.size === 0 ? 0 : now + expectedWait(this.#pace, now, this.#waiting.size);
    const at = Math.max(turn, behind);
    if (at <= now) return undefined;
    this.#isWanted = true;
    return { at, source: this.#source };
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

  /** Records the quota that an accepted response announces. */
  recordQuota(sentAt: number, quota: Quota): void {
    this.#pace = afterQuota(this.#pace, { now: this.#clock.now(), sentAt, quota });
  }

  /** Records that the server hit its limit. Rejects the waiting requests that allow only a shorter pause. */
  recordLimit(
    { source, refusal }: { readonly source: string; readonly refusal?: Refusal | undefined },
    hit: Omit<LimitHit, "now" | "hasWaiters">,
  ): void {
    const now = this.#clock.now();
    this.#source = source;
    this.#refusal = refusal;
    const hasWaiters = this.#waiting.size > 0 || this.#isWanted || this.#wasWanted;
    this.#pace = afterLimitHit(this.#pace, { ...hit, now, hasWaiters });
    const pause = paceOpensAt(this.#pace, now) - now;
    for (const { longestPause, refuse } of this.#waiting)
      if (pause > longestPause) refuse(this.#tooLate(pause, longPause(longestPause)));
    this.#sendDue();
  }

  /** Removes the limit, because another limiter has taken it over. Sends all waiting requests. */
  lift(): void {
    this.#pace = freePace(emptyTally(this.#clock.now()));
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
        if (this.#waiting.size === 0) this.#waiting = nobody;
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
      const stopTimer = startTimer(this.#clock, deadline - now, () =>
        refuse(this.#tooLate(paceOpensAt(this.#pace, deadline) - deadline, pastDeadline)),
      );
      const stopListening = onAbort(signals, refuse);
      const aborted = signals.find((signal) => signal?.aborted === true);
      if (aborted !== undefined) return refuse(aborted.reason);
      if (this.#waiting === nobody) this.#waiting = new Set();
      this.#waiting.add(waiter);
    });
  }

  #tooLate(wait: number, remedy: string): RateLimitedError {
    const delay = Math.max(0, wait);
    const limit = `${this.host} is rate limited (${this.#source}). `;
    const error = new RateLimitedError(delay, this.#clock.date() + delay, { limit, remedy });
    return attachRefusal(error, this.#refusal);
  }

  /** Sends all requests that are due, and starts a timer for the next one. */
  #sendDue(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    for (const waiter of this.#waiting) {
      const at = this.#clock.now();
      const load = { inFlight: this.#inFlight, waiting: this.#waiting.size };
      const turn = nextSendTime(this.#pace, at, load);
      if (turn > at) {
        this.#stopTimer = startTimer(this.#clock, turn - at, () => this.#sendDue());
        return;
      }
      this.#recordSent(at);
      waiter.leave();
    }
  }

  #recordSent(at: number): void {
    this.#pace = afterSent(this.#pace, at);
    this.#inFlight += 1;
    this.#wasWanted = this.#isWanted;
    this.#isWanted = false;
  }
}
