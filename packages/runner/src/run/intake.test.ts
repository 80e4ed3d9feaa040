import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Intake } from "./intake.ts";
import type { InputLine } from "../ledger/job.ts";
import type { PlanCounts, PlannedLine } from "../ledger/ledger.ts";

/** An intake whose ledger notes the lines of each batch. */
function watched(): {
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

const lineOf = (line: number): InputLine => ({ line, text: `http://a/${line}` });

describe("intake", () => {
  it("plans full batches, and the rest at the end", async () => {
    const { intake, batches } = watched();

    await intake.read(Array.from({ length: 600 }, (_, index) => lineOf(100 + index)));

    assert.deepEqual(
      batches.map(({ length }) => length),
      [256, 256, 88],
    );
  });

  it("plans what it has when the input pauses", async () => {
    const { intake, batches } = watched();
    async function* input(): AsyncGenerator<InputLine> {
      yield lineOf(1);
      yield lineOf(2);
      await nextTurn();
      assert.deepEqual(batches, [[1, 2]]);
      yield lineOf(3);
    }

    await intake.read(input());

    assert.deepEqual(batches, [[1, 2], [3]]);
  });

  it("plans nothing after it was told to stop, and ends the input", async () => {
    const { intake, batches, stop } = watched();
    let closed = false;
    async function* input(): AsyncGenerator<InputLine> {
      try {
        yield lineOf(1);
        stop.abort();
        await nextTurn();
        yield lineOf(2);
      } finally {
        closed = true;
      }
    }

    await intake.read(input());

    assert.deepEqual([batches, closed], [[], true]);
  });

  it("tells of a ledger that failed while the input paused", async () => {
    const { intake, failures } = watched();
    async function* input(): AsyncGenerator<InputLine> {
      yield lineOf(13);
      await nextTurn();
      assert.match(String(failures), /disk full/);
    }

    await intake.read(input());

    assert.equal(failures.length, 1);
  });
});
