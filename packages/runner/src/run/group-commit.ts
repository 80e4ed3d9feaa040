import type { Clock, Duration } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import type { Ledger, JobOutcome } from "../ledger/ledger.ts";

/** What a group commit needs, and whom it tells. */
export interface GroupCommitOptions {
  readonly ledger: Pick<Ledger, "record" | "commit">;
  readonly clock: Clock;
  /** Hears the outcomes of a group once they are on disk. */
  readonly onCommitted: (outcomes: readonly JobOutcome[]) => void;
  /** Hears what a commit threw when nobody waits for it. */
  readonly onError: (error: unknown) => void;
}

/** A group of this many is committed at once: one commit a group costs as little durable as not. */
export const groupSize = 100;

/** No outcome waits longer for its group. */
const groupDelay: Duration = "20ms";

/** Bodies that wait for a commit take no more than this, decoded. */
const groupBytes = 16 * 1024 * 1024;

/** Commits outcomes in groups: after `groupSize`, or `groupDelay` after the first. */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #group: JobOutcome[] = [];
  #bytes = 0;
  #ticking = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** @throws LedgerError when the group was full and could not be committed. */
  add(outcome: JobOutcome): void {
    this.#options.ledger.record(outcome);
    this.#group.push(outcome);
    this.#bytes += outcome.exchange?.bytes ?? 0;
    if (this.#group.length >= groupSize || this.#bytes >= groupBytes) this.flush();
    else if (!this.#ticking) void this.#tick();
  }

  /** Commits what has been added so far. @throws LedgerError when that fails. */
  flush(): void {
    if (this.#group.length === 0) return;
    this.#options.ledger.commit();
    const group = this.#group;
    this.#group = [];
    this.#bytes = 0;
    this.#options.onCommitted(group);
  }

  async #tick(): Promise<void> {
    this.#ticking = true;
    try {
      await this.#options.clock.sleep(toMs(groupDelay));
      this.flush();
    } catch (error) {
      this.#options.onError(error);
    } finally {
      this.#ticking = false;
    }
  }
}
