import type { Clock, Duration } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import type { Ledger, JobOutcome } from "../ledger/ledger.ts";

export interface GroupCommitOptions {
  readonly ledger: Pick<Ledger, "record" | "commit">;
  readonly clock: Clock;
  /** Receives the outcomes of a group after they are on disk. */
  readonly onCommitted: (outcomes: readonly JobOutcome[]) => void;
  /** Receives the error of a commit in the background. */
  readonly onError: (error: unknown) => void;
}

/** A group of this size is committed immediately. At this size, a durable commit costs no more than one without sync. */
export const groupSize = 100;

/** The longest time that an outcome waits for its commit. */
const groupDelay: Duration = "20ms";

/** The most decoded body bytes that wait for a commit. */
const groupBytes = 16 * 1024 * 1024;

/** Commits outcomes in groups: when `groupSize` outcomes wait, or `groupDelay` after the first. */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #group: JobOutcome[] = [];
  #bytes = 0;
  #isTimerRunning = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Stages an outcome. @throws LedgerError when the group is full and the commit fails. */
  add(outcome: JobOutcome): void {
    this.#options.ledger.record(outcome);
    this.#group.push(outcome);
    this.#bytes += outcome.exchange?.bytes ?? 0;
    if (this.#group.length >= groupSize || this.#bytes >= groupBytes) this.flush();
    else if (!this.#isTimerRunning) void this.#flushLater();
  }

  /** Commits the staged outcomes and hosts. @throws LedgerError when the commit fails. */
  flush(): void {
    this.#options.ledger.commit();
    if (this.#group.length === 0) return;
    const group = this.#group;
    this.#group = [];
    this.#bytes = 0;
    this.#options.onCommitted(group);
  }

  async #flushLater(): Promise<void> {
    this.#isTimerRunning = true;
    try {
      await this.#options.clock.sleep(toMs(groupDelay));
      this.flush();
    } catch (error) {
      this.#options.onError(error);
    } finally {
      this.#isTimerRunning = false;
    }
  }
}
