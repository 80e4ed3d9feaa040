import type { Clock } from "@holdfast/policy";
import type { JobLease, Ledger } from "../ledger/ledger.ts";

type SupplyLedger = Pick<Ledger, "claimDue" | "nextDueAt" | "claim">;

/** Claims the rows of a ledger: first the deferred rows that are due, then the open rows. Does not ask the ledger when it cannot have any. */
export class RowSupply {
  readonly #ledger: SupplyLedger;
  readonly #clock: Clock;
  #nextDueAt: number | undefined;
  #mayHaveOpen = true;

  constructor(ledger: SupplyLedger, clock: Clock) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#nextDueAt = ledger.nextDueAt();
  }

  /** When the next deferred row is due, in epoch ms; undefined when no row is deferred. */
  get nextDueAt(): number | undefined {
    return this.#nextDueAt;
  }

  /** Claims up to `max` rows. @throws LedgerError */
  claim(max: number): readonly JobLease[] {
    const now = this.#clock.date();
    const due =
      this.#nextDueAt !== undefined && this.#nextDueAt <= now ? this.#ledger.claimDue(now, max) : [];
    if (due.length > 0) this.#nextDueAt = this.#ledger.nextDueAt();
    if (!this.#mayHaveOpen || due.length === max) return due;
    const open = this.#ledger.claim(max - due.length);
    this.#mayHaveOpen = open.length === max - due.length;
    return [...due, ...open];
  }

  /** Must be called when the ledger has `count` more rows. */
  rowsAdded(count: number): void {
    this.#mayHaveOpen ||= count > 0;
  }

  /** Must be called when rows were deferred in the ledger. */
  rowsDeferred(): void {
    this.#nextDueAt = this.#ledger.nextDueAt();
  }
}
