/** How long a body may be read beyond the budget while others wait, in milliseconds. */
export const longestTurn = 60_000;

/**
 * The memory for all bodies that a session receives at a time. When it is used up, one body at a time is read to its end, and
 * the others wait. So the bodies take at most the budget and one further body.
 */
export class BodyBudget {
  readonly #limit: number;
  #used = 0;
  /** The body that is read although the budget is used up. */
  #turn: BodyShare | undefined;
  #turnSince: number | undefined;
  readonly #waiting = new Map<BodyShare, () => void>();

  /** @param limit in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns the share of one call. */
  open(): BodyShare {
    return new BodyShare(this);
  }

  get isUsedUp(): boolean {
    return this.#used > this.#limit;
  }

  change(bytes: number): void {
    this.#used += bytes;
  }

  /** Returns whether a body may be read on. Gives it the turn, if that is free. */
  admits(share: BodyShare): boolean {
    if (!this.isUsedUp || this.#turn === share) return true;
    if (this.#turn !== undefined) return false;
    this.#turn = share;
    this.#turnSince = undefined;
    return true;
  }

  wait(share: BodyShare, resume: () => void): void {
    this.#waiting.set(share, resume);
  }

  /** Returns whether a body has kept the others waiting for too long. The time begins with the first check. */
  isOverdue(share: BodyShare, now: number): boolean {
    if (this.#turn !== share || this.#waiting.size === 0) {
      if (this.#turn === share) this.#turnSince = undefined;
      return false;
    }
    this.#turnSince ??= now;
    return now - this.#turnSince >= longestTurn;
  }

  /** Ends the turn and the wait of a share, and resumes the bodies that may be read on now. */
  leave(share: BodyShare): void {
    this.#waiting.delete(share);
    if (this.#turn === share) this.#turn = undefined;
    for (const [waiting, resume] of this.#waiting) {
      if (!this.admits(waiting)) return;
      this.#waiting.delete(waiting);
      resume();
    }
  }
}

/** The memory of one call in a `BodyBudget`. */
export class BodyShare {
  readonly #budget: BodyBudget;
  #bytes = 0;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  /** Counts received or decoded bytes. Returns whether the body may be read on; otherwise call `wait`. */
  add(bytes: number): boolean {
    this.#bytes += bytes;
    this.#budget.change(bytes);
    return this.#budget.admits(this);
  }

  /** Calls `resume` once the body may be read on. */
  wait(resume: () => void): void {
    this.#budget.wait(this, resume);
  }

  /** Returns whether this body is read beyond the budget, and has kept others waiting for longer than a minute. */
  isOverdue(now: number): boolean {
    return this.#budget.isOverdue(this, now);
  }

  /**
   * Releases the memory of a failed attempt, apart from a part of `bytes` that the next attempt continues. Returns false when
   * there is no memory for the part: then it must be dropped.
   */
  keep(bytes: number): boolean {
    const isKept = !this.#budget.isUsedUp;
    this.#release(isKept ? bytes : 0);
    return isKept;
  }

  /** Releases everything at the end of the call. */
  close(): void {
    this.#release(0);
  }

  #release(kept: number): void {
    this.#budget.change(kept - this.#bytes);
    this.#bytes = kept;
    this.#budget.leave(this);
  }
}
