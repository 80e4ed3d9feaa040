/*
 * What is read of a body that the call would go on without: more than any explanation has, for as long as the shortest
 * usual back-off. A new connection costs less than what would follow.
 */
const maxWaitMs = 1_000;

/** The most bytes that are read of a body that the call would go on without: as sent, and again decoded. */
export const maxUnwantedBytes: number = 1024 * 1024;

/** Whoever may still want the whole of a body. */
export interface PendingBody {
  readonly whole: Promise<Buffer>;
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

/** How long the body of an answer that is no success is waited for, before the call is asked whether it needs it. */
export class UnreadBodyTimer {
  /** When its time is over; Infinity once it was. */
  #dueAt: number;
  /** Until when somebody has to say whether the whole is wanted. */
  decideBy: number = Infinity;
  /** Set when the answer was given without its body. */
  pendingBody: PendingBody | undefined;

  /** The head came at `now`, in milliseconds on the clock. */
  constructor(now: number) {
    this.#dueAt = now + maxWaitMs;
  }

  /** Whether the body has taken too long, or is too long; true once. */
  isDue(now: number, bytes: number): boolean {
    if (this.#dueAt === Infinity || (now < this.#dueAt && bytes <= maxUnwantedBytes)) return false;
    this.#dueAt = Infinity;
    return true;
  }

  /** Takes note that the answer is given without its body. */
  begin(): void {
    let settle: Pick<PendingBody, "resolve" | "reject"> | undefined;
    const whole = new Promise<Buffer>((resolve, reject) => (settle = { resolve, reject }));
    // Nobody may want it.
    whole.catch(() => undefined);
    if (settle !== undefined) this.pendingBody = { whole, ...settle };
  }
}
