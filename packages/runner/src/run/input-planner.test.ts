import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { readLines } from "../input/read-lines.ts";
import type { InputLine } from "../ledger/job.ts";
import type { ListReading, OtherList, PlannedLine } from "../ledger/list-reading.ts";
import { makeRunDirectory } from "../testing/run-directory.ts";
import { InputPlanner, type RunInput } from "./input-planner.ts";

interface RecordedReading {
  readonly path: string | undefined;
  readonly other: OtherList | undefined;
  isWhole?: boolean;
}

/** Makes an InputPlanner with a ledger that records the readings, and the lines of each batch. */
function makeInputPlanner(
  input: RunInput,
  otherList: OtherList = "refuse",
): {
  readonly inputPlanner: InputPlanner;
  readonly batches: number[][];
  readonly readings: RecordedReading[];
  readonly stop: AbortController;
  readonly failures: unknown[];
} {
  const batches: number[][] = [];
  const readings: RecordedReading[] = [];
  const failures: unknown[] = [];
  const stop = new AbortController();
  const startReading = (path: string | undefined, other?: OtherList): ListReading => {
    const reading: RecordedReading = { path, other };
    readings.push(reading);
    return {
      plan: (lines: readonly PlannedLine[]) => {
        if (lines.some(({ line }) => line === 13)) throw new Error("disk full");
        batches.push(lines.map(({ line }) => line));
        return { added: lines.length, known: 0, duplicates: 0, invalid: 0 };
      },
      end: (isWhole) => ((reading.isWhole = isWhole), isWhole),
    };
  };
  const inputPlanner = new InputPlanner({
    ledger: { startReading },
    input,
    otherList,
    stop: stop.signal,
    onPlanned: () => {},
    onError: (error) => failures.push(error),
  });
  return { inputPlanner, batches, readings, stop, failures };
}

const makeLine = (line: number): InputLine => ({ line, text: `http://a/${line}` });

describe("InputPlanner", () => {
  it("plans full batches, and a partial batch at the end", async () => {
    const input = Array.from({ length: 600 }, (_, index) => makeLine(100 + index));
    const { inputPlanner, batches } = makeInputPlanner(input);

    await inputPlanner.read();

    assert.deepEqual(
      batches.map(({ length }) => length),
      [256, 256, 88],
    );
  });

  it("plans a partial batch when the input pauses", async () => {
    const pausing = async function* (): AsyncGenerator<InputLine> {
      yield makeLine(1);
      yield makeLine(2);
      await nextTurn();
      assert.deepEqual(batches, [[1, 2]]);
      yield makeLine(3);
    };
    const { inputPlanner, batches } = makeInputPlanner(pausing());

    await inputPlanner.read();

    assert.deepEqual(batches, [[1, 2], [3]]);
  });

  it("plans nothing after stop aborts, and closes the input", async () => {
    let closed = false;
    const input = async function* (): AsyncGenerator<InputLine> {
      try {
        yield makeLine(1);
        stop.abort();
        await nextTurn();
        yield makeLine(2);
      } finally {
        closed = true;
      }
    };
    const { inputPlanner, batches, readings, stop } = makeInputPlanner(input());

    await inputPlanner.read();

    assert.deepEqual([batches, closed, readings[0]?.isWhole], [[], true, undefined]);
  });

  it("passes the ledger's error to onError while the input pauses", async () => {
    const input = async function* (): AsyncGenerator<InputLine> {
      yield makeLine(13);
      await nextTurn();
      assert.match(String(failures), /disk full/);
    };
    const { inputPlanner, failures } = makeInputPlanner(input());

    await inputPlanner.read();

    assert.equal(failures.length, 1);
  });

  it("reads lines without a file as a reading that removes nothing", async () => {
    const { inputPlanner, readings } = makeInputPlanner([makeLine(1)]);

    const hasRemoved = await inputPlanner.read();

    assert.equal(hasRemoved, false);
    assert.deepEqual(readings, [{ path: undefined, other: "refuse", isWhole: false }]);
  });

  it("begins the readings of all files before it reads the first, and tells which were read whole", async () => {
    const directory = makeRunDirectory();
    const [one, two] = [join(directory, "one.txt"), join(directory, "two.txt")];
    writeFileSync(one, "http://a/1\n");
    writeFileSync(two, "http://a/2\n");
    const { inputPlanner, readings } = makeInputPlanner([readLines(one), readLines(two)], "replace");
    assert.deepEqual(readings, [
      { path: one, other: "replace" },
      { path: two, other: "add" },
    ]);

    await inputPlanner.read();

    assert.deepEqual(
      readings.map(({ isWhole }) => isWhole),
      [true, true],
    );
  });
});
