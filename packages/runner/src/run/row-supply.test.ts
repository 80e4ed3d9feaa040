import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import type { JobLease } from "../ledger/ledger.ts";
import { RowSupply } from "./row-supply.ts";
import { getLease } from "../testing/leases.ts";

/** Makes a ledger with `open` open rows and rows that are due at the times `due`. It records its calls. */
function makeLedger({ open, due }: { open: number; due: number[] }): {
  readonly calls: string[];
  readonly ledger: ConstructorParameters<typeof RowSupply>[0];
} {
  const calls: string[] = [];
  let left = open;
  const leases = (count: number): readonly JobLease[] => Array.from({ length: count }, () => getLease);
  return {
    calls,
    ledger: {
      nextDueAt: () => due.toSorted((a, b) => a - b)[0],
      claimDue: (now, max) => {
        const ready = due.filter((at) => at <= now).slice(0, max);
        for (const at of ready) due.splice(due.indexOf(at), 1);
        calls.push(`due ${ready.length}`);
        return leases(ready.length);
      },
      claim: (max) => {
        const count = Math.min(max, left);
        left -= count;
        calls.push(`open ${count}`);
        return leases(count);
      },
    },
  };
}

test("RowSupply claims due rows before open rows, and does not ask the ledger for rows that it cannot have", () => {
  const clock = fakeClock();
  const now = clock.date();
  const { calls, ledger } = makeLedger({ open: 3, due: [now, now, now + 1] });
  const supply = new RowSupply(ledger, clock);

  const counts = [2, 2, 2, 2].map((max) => supply.claim(max).length);

  assert.deepEqual(counts, [2, 2, 1, 0]);
  assert.deepEqual(calls, ["due 2", "open 2", "open 1"]);
  assert.equal(supply.nextDueAt, now + 1);
});

test("RowSupply asks the ledger again after rows are added or deferred", () => {
  const clock = fakeClock();
  const due: number[] = [];
  const { calls, ledger } = makeLedger({ open: 0, due });
  const supply = new RowSupply(ledger, clock);
  supply.claim(2);
  supply.rowsAdded(0);
  supply.claim(2);
  supply.rowsAdded(1);
  supply.claim(2);

  due.push(clock.date());
  supply.rowsDeferred();

  assert.equal(supply.claim(2).length, 1);
  assert.deepEqual(calls, ["open 0", "open 0", "due 1"]);
});
