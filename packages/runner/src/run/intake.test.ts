import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Intake } from "./intake.ts";
import type { InputLine } from "../ledger/job.ts";
import type { PlanCounts, PlannedLine } from "../ledger/ledger.ts";

/** Makes an intake with a ledger that records the lines of each batch. */
function makeIntake(): {
  readonly intake: Intake;
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
  const intake = new Intake({
    ledger: { plan },
    stop: stop.signal,
    onPlanned: () => {},
    onError: (error) => failures.push(error),
  });
  return { intake, batches, stop, failures };
}

const makeLine = (line: number): InputLine => ({ line, text: `http://a/${line}` });

describe("Intake", () => {
  it("plans full batches, and a partial batch at the end", async () => {
    const { intake, batches } = makeIntake();

    await intake.read(Array.from({ length: 600 }, (_, index) => makeLine(100 + index)));

    assert.deepEqual(
      batches.map(({ length }) => length),
      [256, 256, 88],
    );
  });

  it("plans a partial batch when the input pauses", async () => {
    const { intake, batches } = makeIntake();
    async function* input(): AsyncGenerator<InputLine> {
      yield makeLine(1);
      yield makeLine(2);
      await nextTurn();
      assert.deepEqual(batches, [[1, 2]]);
      yield makeLine(3);
    }

    await intake.read(input());

    assert.deepEqual(batches, [[1, 2], [3]]);
  });

  it("plans nothing after stop aborts, and closes the input", async () => {
    const { intake, batches, stop } = makeIntake();
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

    await intake.read(input());

    assert.deepEqual([batches, closed], [[], true]);
  });

  it("passes the ledger's error to onError while the input pauses", async () => {
    const { intake, failures } = makeIntake();
    async function* input(): AsyncGenerator<InputLine> {
      yield makeLine(13);
      await nextTurn();
      assert.match(String(failures), /disk full/);
    }

    await intake.read(input());

    assert.equal(failures.length, 1);
  });
});
