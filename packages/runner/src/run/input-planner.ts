import { setImmediate as nextTurn } from "node:timers/promises";
import { parseLine } from "../input/parse-line.ts";
import type { InputLine } from "../ledger/job.ts";
import type { Ledger, PlanCounts, PlannedLine } from "../ledger/ledger.ts";

export interface InputPlannerOptions {
  readonly ledger: Pick<Ledger, "plan">;
  /** After it aborts, no further line is planned. */
  readonly stop: AbortSignal;
  readonly onPlanned: (planned: PlanCounts) => void;
  /** Receives the error of a batch that was planned while the input paused. */
  readonly onError: (error: unknown) => void;
}

const batchSize = 256;

/** Plans the lines of an input in batches: a full batch immediately, a partial batch when the input pauses. */
export class InputPlanner {
  readonly #options: InputPlannerOptions;
  #batch: PlannedLine[] = [];

  constructor(options: InputPlannerOptions) {
    this.#options = options;
  }

  /** Resolves at the end of the input, or between two lines after `stop` aborts. Rejects with the error of the input or the ledger. */
  async read(input: AsyncIterable<InputLine> | Iterable<InputLine>): Promise<void> {
    for await (const line of input) {
      if (this.#options.stop.aborted) return;
      this.#take(line);
      if (this.#batch.length < batchSize) continue;
      this.#flush();
      // An input that never pauses must not delay the requests.
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
