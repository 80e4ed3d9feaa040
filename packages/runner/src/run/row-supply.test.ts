import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import type { JobLease } from "../ledger/ledger.ts";
import { RowSupply } from "./row-supply.ts";
import { getLease } from "../testing/leases.ts";

/** A ledger with so many rows that nobody has tried, and some that come due; it notes what it is asked. */
function stock({ open, due }: { open: number; due: number[] }): {
  readonly asked: string[];
  readonly ledger: ConstructorParameters<typeof RowSupply>[0];
} {
  const asked: string[] = [];
  let left = open;
  const leases = (count: number): readonly JobLease[] => Array.from({ length: count }, () => getLease);
  return {
    asked,
    ledger: {
      nextDueAt: () => due.toSorted((a, b) => a - b)[0],
      claimDue: (now, max) => {
        const ready = due.filter((at) => at <= now).slice(0, max);
        for (const at of ready) due.splice(due.indexOf(at), 1);
        asked.push(`due ${ready.length}`);
        return leases(ready.length);
      },
      claim: (max) => {
        const count = Math.min(max, left);
        left -= count;
        asked.push(`open ${count}`);
        return leases(count);
      },
    },
  };
}

test("what has come due is taken before what nobody has tried, and the ledger is asked for no more than it has", () => {
  const clock = fakeClock();
  const now = clock.date();
  const { asked, ledger } = stock({ open: 3, due: [now, now, now + 1] });
  const supply = new RowSupply(ledger, clock);

  const counts = [2, 2, 2, 2].map((max) => supply.claim(max).length);

  assert.deepEqual(counts, [2, 2, 1, 0]);
  assert.deepEqual(asked, ["due 2", "open 2", "open 1"]);
  assert.equal(supply.nextDueAt, now + 1);
});

test("the ledger is asked again when it has got more, or when rows were put off", () => {
  const clock = fakeClock();
  const due: number[] = [];
  const { asked, ledger } = stock({ open: 0, due });
  const supply = new RowSupply(ledger, clock);
  supply.claim(2);
  supply.rowsAdded(0);
  supply.claim(2);
  supply.rowsAdded(1);
  supply.claim(2);

  due.push(clock.date());
  supply.rowsDeferred();

  assert.equal(supply.claim(2).length, 1);
  assert.deepEqual(asked, ["open 0", "open 0", "due 1"]);
});
