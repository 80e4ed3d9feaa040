import assert from "node:assert/strict";
import { it } from "node:test";
import type { PlannedLine } from "../../ledger/list-reading.ts";
import { makeRunDirectory } from "../run-directory.ts";
import { type Open, claim, lines, post, states } from "./support.ts";

/** Lines become rows. */
export function planning(open: Open): void {
  it("adds a row for every line", () => {
    const ledger = open(makeRunDirectory());

    const planned = ledger.plan(lines(1, 2, 3));

    assert.deepEqual(planned, { added: 3, known: 0, duplicates: 0, invalid: 0 });
    assert.deepEqual(states(ledger), ["1 pending", "2 pending", "3 pending"]);
    ledger.close();
  });

  it("skips a duplicate line and names the first equal line", () => {
    const ledger = open(makeRunDirectory());

    const planned = ledger.plan(lines(1, 2, 1, 1));

    assert.deepEqual(planned, { added: 2, known: 0, duplicates: 2, invalid: 0 });
    assert.deepEqual(states(ledger).slice(2), [
      "3 skipped duplicate-of-line-1",
      "4 skipped duplicate-of-line-1",
    ]);
    ledger.close();
  });

  it("fails an invalid line for good", () => {
    const ledger = open(makeRunDirectory());

    ledger.plan([{ kind: "invalid", line: 1, text: "ftp://x", reason: "bad-input: no" }]);

    assert.deepEqual(states(ledger), ["1 failed bad-input: no"]);
    ledger.reopenFailed();
    assert.deepEqual(claim(ledger, 9), []);
    ledger.close();
  });

  it("treats requests with another method or body as different", () => {
    const ledger = open(makeRunDirectory());

    const planned = ledger.plan([
      post,
      { ...post, method: "PUT" },
      { ...post, request: { body: "y" } },
      post,
    ]);

    assert.deepEqual(planned, { added: 3, known: 0, duplicates: 1, invalid: 0 });
    ledger.close();
  });
}

/** A list that is read again adds only its new lines. */
export function planningAgain(open: Open): void {
  it("adds no row when the same list is read again, with duplicates and invalid lines", () => {
    const directory = makeRunDirectory();
    const list: PlannedLine[] = [
      ...lines(1, 2, 1),
      { kind: "invalid", line: 4, text: "?", reason: "bad-input: ?" },
    ];
    const first = open(directory);
    first.plan(list);
    first.close();

    const again = open(directory);
    const planned = again.plan(list);

    assert.deepEqual(planned, { added: 0, known: 4, duplicates: 0, invalid: 0 });
    assert.equal(again.totals().lines, 4);
    again.close();
  });

  it("adds new lines at any place of a list, and one more equal line as a duplicate", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    first.plan(lines(1, 2));
    first.close();

    const again = open(directory);
    const planned = again.plan(lines(3, 1, 2, 1));

    assert.deepEqual(planned, { added: 1, known: 2, duplicates: 1, invalid: 0 });
    again.close();
  });

  it("continues with a list whose reading was interrupted", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    first.plan(lines(1, 2, 1));
    first.close();

    const again = open(directory);
    again.plan(lines(1, 2));
    const planned = again.plan([...lines(1, 4), ...lines(1)]);

    assert.deepEqual(planned, { added: 1, known: 1, duplicates: 1, invalid: 0 });
    again.close();
  });
}
