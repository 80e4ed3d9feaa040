import type { Clock } from "@holdfast/policy";
import type { Ledger } from "@holdfast/runner/internal";

/** The folder of a run. While it is open, no other process writes to it. */
export class RunFolder {
  readonly directory: string;
  readonly #clock: Clock;
  #ledger: Ledger | undefined;

  constructor(directory: string, clock: Clock) {
    this.directory = directory;
    this.#clock = clock;
  }

  /** The open ledger. What is said about the run is read from it, because another process could change it before. */
  get ledger(): Ledger | undefined {
    return this.#ledger;
  }

  /** Opens the folder, and creates it if it does not exist. @throws LedgerError */
  async open(): Promise<Ledger> {
    const { openLedger } = await import("@holdfast/runner/internal");
    return (this.#ledger ??= openLedger(this.directory, { clock: this.#clock }));
  }

  close(): void {
    this.#ledger?.close();
    this.#ledger = undefined;
  }
}
