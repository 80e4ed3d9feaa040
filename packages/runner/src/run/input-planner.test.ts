import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { InputPlanner } from "./input-planner.ts";
import type { InputLine } from "../ledger/job.ts";
import type { PlanCounts, PlannedLine } from "../ledger/ledger.ts";

/** Makes an inputPlanner with a ledger that records the lines of each batch. */
function makeInputPlanner(): {
  readonly inputPlanner: InputPlanner;
  readonly batches: number[][];
  readonly stop: AbortController;
  readonly failures: unknown[];
} {
  const batches: number[][] = [];
  const failures: unknown[] = [];
  const stop = new AbortController();
  const plan = (lines: readonly PlannedLine[]): PlanCounts => {
    if (lines.some(({ line }) => line === 13)) throw new Error("disk full");
    batches.push(lines.map(({ line }) => line));
    return { added: lines.length, known: 0, duplicates: 0, invalid: 0 };
  };
  const inputPlanner = new InputPlanner({
    ledger: { plan },
    stop: stop.signal,
    onPlanned: () => {},
    onError: (error) => failures.push(error),
  });
  return { inputPlanner, batches, stop, failures };
}

const makeLine = (line: number): InputLine => ({ line, text: `http://a/${line}` });

describe("InputPlanner", () => {
  it("plans full batches, and a partial batch at the end", async () => {
    const { inputPlanner, batches } = makeInputPlanner();

    await inputPlanner.read(Array.from({ length: 600 }, (_, index) => makeLine(100 + index)));

    assert.deepEqual(
      batches.map(({ length }) => length),
      [256, 256, 88],
    );
  });

  it("plans a partial batch when the input pauses", async () => {
    const { inputPlanner, batches } = makeInputPlanner();
    async function* input(): AsyncGenerator<InputLine> {
      yield makeLine(1);
      yield makeLine(2);
      await nextTurn();
      assert.deepEqual(batches, [[1, 2]]);
      yield makeLine(3);
    }

    await inputPlanner.read(input());

    assert.deepEqual(batches, [[1, 2], [3]]);
  });

  it("plans nothing after stop aborts, and closes the input", async () => {
    const { inputPlanner, batches, stop } = makeInputPlanner();
    let closed = false;
    async function* input(): AsyncGenerator<InputLine> {
      try {
        yield makeLine(1);
        stop.abort();
        await nextTurn();
        yield makeLine(2);
      } finally {
        closed = true;
      }
    }

    await inputPlanner.read(input());

    assert.deepEqual([batches, closed], [[], true]);
  });

  it("passes the ledger's error to onError while the input pauses", async () => {
    const { inputPlanner, failures } = makeInputPlanner();
    async function* input(): AsyncGenerator<InputLine> {
      yield makeLine(13);
      await nextTurn();
      assert.match(String(failures), /disk full/);
    }

    await inputPlanner.read(input());

    assert.equal(failures.length, 1);
  });
});
