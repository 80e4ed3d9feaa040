import { RateLimitedError, type Clock } from "@holdfast/policy";
import { startTimer } from "@holdfast/policy/internal";
import {
  afterAccepted,
  afterDeparture,
  isPaceExpired,
  nextDeparture,
  afterLimitHit,
  type Pace,
  type LimitHit,
} from "./pace.ts";
import { steadyRate } from "./rate.ts";

/** Who may end the wait of a request. */
export interface WaitBounds {
  /** The instant on the clock by which it must have left. */
  readonly deadline: number;
  /** The longest pause, in milliseconds, that it sits out. */
  readonly longestPause: number;
  readonly signals: readonly (AbortSignal | undefined)[];
}

interface Waiter {
  readonly leave: () => void;
  readonly refuse: (reason: unknown) => void;
  readonly longestPause: number;
}

/** One limit of one server: requests pass one after another, at the pace that was learnt, first come first served. */
export class Limiter {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  #pace: Pace;
  #underWay = 0;
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  /** Whether it holds nobody up, and has not for long. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#underWay === 0 && isPaceExpired(this.#pace, this.#clock.now());
  }

  /**
   * Lets a request pass, at once or in its turn; whoever has passed says later that it `returned`.
   *
   * @throws RateLimitedError, also while it waits, when its turn comes too late; the reason of a signal.
   */
  acquire(patience: WaitBounds): Promise<void> | undefined {
    const now = this.#clock.now();
    const crowd = { underWay: this.#underWay, waiting: this.#waiting.size };
    if (crowd.waiting === 0 && nextDeparture(this.#pace, now, crowd) <= now) {
      this.#depart(now);
      return undefined;
    }
    const pause = Math.max(0, this.#pace.opensAt - now);
    const delay = pause + this.#waiting.size / steadyRate(this.#pace.speed, now);
    if (pause > patience.longestPause || now + delay >= patience.deadline) throw this.#tooLate(delay);
    const turn = this.#queue(patience, now);
    this.#letGo();
    return turn;
  }

  /** Takes note that a request which had passed has come back, whatever it brought. */
  release(): void {
    this.#underWay -= 1;
    this.#letGo();
  }

  /** Takes note that one was accepted, which had left at `leftAt`. */
  recordAccepted(leftAt: number): void {
    this.#pace = afterAccepted(this.#pace, this.#clock.now(), leftAt);
    this.#letGo();
  }

  /** Takes note that the server said stop; those for whom the pause is too long are turned away. */
  recordLimit(stop: Omit<LimitHit, "now" | "pressed">): void {
    const now = this.#clock.now();
    this.#pace = afterLimitHit(this.#pace, { ...stop, now, pressed: this.#waiting.size > 0 });
    const pause = this.#pace.opensAt - now;
    for (const waiter of this.#waiting) if (pause > waiter.longestPause) waiter.refuse(this.#tooLate(pause));
    this.#letGo();
  }

  /** Turns away all who wait. */
  close(reason: Error): void {
    this.#stopTimer?.();
    for (const waiter of this.#waiting) waiter.refuse(reason);
  }

  #queue({ deadline, longestPause, signals }: WaitBounds, now: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const forget = (): void => {
        stopTimer();
        this.#waiting.delete(waiter);
        for (const signal of signals) signal?.removeEventListener("abort", abort);
      };
      const refuse = (reason: unknown): void => {
        forget();
        reject(reason);
      };
      const abort = ({ target }: Event): void =>
        refuse(target instanceof AbortSignal ? target.reason : undefined);
      const leave = (): void => {
        forget();
        resolve();
      };
      const waiter: Waiter = { leave, refuse, longestPause };
      const stopTimer = startTimer(this.#clock, deadline - now, () => refuse(this.#tooLate(0)));
      this.#waiting.add(waiter);
      for (const signal of signals) {
        if (signal?.aborted === true) return refuse(signal.reason);
        signal?.addEventListener("abort", abort, { once: true });
      }
    });
  }

  #tooLate(delay: number): RateLimitedError {
    return new RateLimitedError(delay, this.#clock.date() + delay);
  }

  /** Lets all go whose turn has come, and sees to it that the next is not forgotten. */
  readonly #letGo = (): void => {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    for (const waiter of this.#waiting) {
      const at = this.#clock.now();
      const crowd = { underWay: this.#underWay, waiting: this.#waiting.size };
      const turn = nextDeparture(this.#pace, at, crowd);
      if (turn > at) {
        this.#stopTimer = startTimer(this.#clock, turn - at, this.#letGo);
        return;
      }
      this.#depart(at);
      waiter.leave();
    }
  };

  #depart(at: number): void {
    this.#pace = afterDeparture(this.#pace, at);
    this.#underWay += 1;
  }
}
