import { setImmediate as nextTurn } from "node:timers/promises";
import { parseLine } from "../input/parse-line.ts";
import { Lines } from "../input/read-lines.ts";
import type { InputLine } from "../ledger/job.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { ListReading, OtherList, PlanCounts, PlannedLine } from "../ledger/list-reading.ts";

/** The lines of a run: those of one or several files, or of any other source, which only add. */
export type RunInput = AsyncIterable<InputLine> | Iterable<InputLine> | readonly Lines[];

export interface InputPlannerOptions {
  readonly ledger: Pick<Ledger, "startReading">;
  readonly input: RunInput;
  readonly otherList: OtherList;
  /** After it aborts, no further line is planned. */
  readonly stop: AbortSignal;
  readonly onPlanned: (planned: PlanCounts) => void;
  /** Receives the error of a batch that was planned while the input paused. */
  readonly onError: (error: unknown) => void;
}

const batchSize = 256;

/** One source and its reading. */
interface OpenSource {
  readonly lines: AsyncIterable<InputLine> | Iterable<InputLine>;
  readonly reading: ListReading;
  /** Whether the source was a file that was read from its beginning to its end. */
  readonly isWhole: () => boolean;
}

/** Plans the lines of an input in batches: a full batch immediately, a partial batch when the input pauses. */
export class InputPlanner {
  readonly #options: InputPlannerOptions;
  readonly #sources: readonly OpenSource[];
  #reading: ListReading | undefined;
  #batch: PlannedLine[] = [];

  /** Begins the reading of every source, so that no row is handed out before its line was read. @throws LedgerError */
  constructor(options: InputPlannerOptions) {
    this.#options = options;
    this.#sources = openSources(options);
  }

  /**
   * Resolves at the end of the input, or between two lines after `stop` aborts. Returns whether lines are no longer in their
   * list. Rejects with the error of the input or the ledger.
   */
  async read(): Promise<boolean> {
    let hasRemoved = false;
    for (const { lines, reading, isWhole } of this.#sources) {
      this.#reading = reading;
      await this.#readLines(lines);
      if (this.#options.stop.aborted) return hasRemoved;
      hasRemoved = reading.end(isWhole()) || hasRemoved;
    }
    return hasRemoved;
  }

  async #readLines(lines: OpenSource["lines"]): Promise<void> {
    for await (const line of lines) {
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
    if (batch.length === 0 || this.#reading === undefined || this.#options.stop.aborted) return;
    this.#batch = [];
    this.#options.onPlanned(this.#reading.plan(batch));
  }

  readonly #flushLater = (): void => {
    try {
      this.#flush();
    } catch (error) {
      this.#options.onError(error);
    }
  };
}

function openSources({ ledger, input, otherList }: InputPlannerOptions): readonly OpenSource[] {
  if (!isListOfFiles(input)) return [openSource(input, { ledger, otherList })];
  // The first file may replace the lists of the folder; each further one counts as well.
  return input.map((lines, index) =>
    openSource(lines, { ledger, otherList: index > 0 && otherList === "replace" ? "add" : otherList }),
  );
}

function openSource(
  lines: OpenSource["lines"],
  { ledger, otherList }: Pick<InputPlannerOptions, "ledger" | "otherList">,
): OpenSource {
  const path = lines instanceof Lines ? lines.path : undefined;
  return {
    lines,
    reading: ledger.startReading(path, otherList),
    isWhole: () => lines instanceof Lines && lines.isWhole,
  };
}

function isListOfFiles(input: RunInput): input is readonly Lines[] {
  return Array.isArray(input) && input.length > 0 && input.every((each) => each instanceof Lines);
}
