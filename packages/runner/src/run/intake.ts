import { setImmediate as nextTurn } from "node:timers/promises";
import { parseLine } from "../input/parse-line.ts";
import type { InputLine } from "../ledger/job.ts";
import type { Ledger, PlanCounts, PlannedLine } from "../ledger/ledger.ts";

/** Where lines go, when to stop reading them, and whom to tell. */
export interface IntakeOptions {
  readonly ledger: Pick<Ledger, "plan">;
  /** After it aborts nothing more is planned. */
  readonly stop: AbortSignal;
  readonly onPlanned: (planned: PlanCounts) => void;
  /** Hears what went wrong while the input paused. */
  readonly onError: (error: unknown) => void;
}

const batchSize = 256;

/** Plans the lines of an input in batches as they come: a full batch at once, a part of one when the input pauses. */
export class Intake {
  readonly #options: IntakeOptions;
  #batch: PlannedLine[] = [];

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Resolves when the input has ended or `stop` was heard between two lines; rejects with what the input or the ledger throws. */
  async read(input: AsyncIterable<InputLine> | Iterable<InputLine>): Promise<void> {
    for await (const line of input) {
      if (this.#options.stop.aborted) return;
      this.#take(line);
      if (this.#batch.length < batchSize) continue;
      this.#flush();
      // An input that never pauses must not keep the fetching from its turn.
      await nextTurn();
    }
    this.#flush();
  }

  #take({ line, text }: InputLine): void {
    const parsed = parseLine(text);
    if (parsed.kind === "ignored") return;
    this.#batch.push({ ...parsed, line });
    if (this.#batch.length === 1) setImmediate(this.#flushLater);
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch.length === 0 || this.#options.stop.aborted) return;
    this.#batch = [];
    this.#options.onPlanned(this.#options.ledger.plan(batch));
  }

  readonly #flushLater = (): void => {
    try {
      this.#flush();
    } catch (error) {
      this.#options.onError(error);
    }
  };
}
