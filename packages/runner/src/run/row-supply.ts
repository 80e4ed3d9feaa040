import type { Clock } from "@holdfast/policy";
import type { JobLease, Ledger } from "../ledger/ledger.ts";

/** The rows of a ledger that are to be fetched: those that come due, then those that nobody has tried. */
export class RowSupply {
  readonly #ledger: Pick<Ledger, "claimDue" | "nextDueAt" | "claim">;
  readonly #clock: Clock;
  #dueAt: number | undefined;
  /** Whether there may be rows that nobody has tried. */
  #moreOpen = true;

  constructor(ledger: Pick<Ledger, "claimDue" | "nextDueAt" | "claim">, clock: Clock) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#dueAt = ledger.nextDueAt();
  }

  /** When the next row comes due, epoch ms. */
  get nextDueAt(): number | undefined {
    return this.#dueAt;
  }

  /** Takes up to `max` rows. @throws LedgerError */
  claim(max: number): readonly JobLease[] {
    const now = this.#clock.date();
    const due = this.#dueAt !== undefined && this.#dueAt <= now ? this.#ledger.claimDue(now, max) : [];
    if (due.length > 0) this.#dueAt = this.#ledger.nextDueAt();
    if (!this.#moreOpen || due.length === max) return due;
    const open = this.#ledger.claim(max - due.length);
    this.#moreOpen = open.length === max - due.length;
    return [...due, ...open];
  }

  /** Takes note that the ledger has got so many rows more. */
  rowsAdded(count: number): void {
    this.#moreOpen ||= count > 0;
  }

  /** Takes note that rows were put off. */
  rowsDeferred(): void {
    this.#dueAt = this.#ledger.nextDueAt();
  }
}
