import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { Ledger } from "../../ledger/ledger.ts";
import type { ListReading, PlannedLine } from "../../ledger/list-reading.ts";
import { makeRunDirectory } from "../run-directory.ts";
import { claim, claimed, lines, type Open, outcome, states, sums, url } from "./support.ts";

const list = "/lists/urls.txt";
const other = "/lists/more.txt";

/** Reads a file to its end. Returns whether lines were removed. */
function read(ledger: Ledger, path: string, planned: readonly PlannedLine[]): boolean {
  return readWhole(ledger.startReading(path, "add"), planned);
}

function readWhole(reading: ListReading, planned: readonly PlannedLine[]): boolean {
  reading.plan(planned);
  return reading.end(true);
}

/** Records an outcome for every row that may be handed out. */
function fetchAll(ledger: Ledger): number {
  const leases = claim(ledger, 1_000);
  for (const lease of leases) ledger.record(outcome(lease));
  ledger.commit();
  return leases.length;
}

const invalid = (line: number, text: string): PlannedLine => ({
  kind: "invalid",
  line,
  text,
  reason: "bad-input: no",
});

/** The readings of a file. */
export function reading(open: Open): void {
  it("keeps lines apart that a complete reading of their file has not reached", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    read(first, list, lines(1, 2, 3, 4));
    fetchAll(first);
    first.close();

    const again = open(directory);
    const hasRemoved = read(again, list, lines(4, 2));

    assert.ok(hasRemoved);
    assert.deepEqual(states(again), ["2 done ok", "1 done ok"]);
    assert.equal(again.totals().removed, 2);
    assert.ok(sums(again));
    again.close();
  });

  it("keeps the lines of a file that was not read to its end, and those without a file", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    read(first, list, lines(1, 2));
    first.plan(lines(3));
    first.close();

    const again = open(directory);
    const reading = again.startReading(list);
    reading.plan(lines(1));
    const hasRemoved = reading.end(false);

    assert.equal(hasRemoved, false);
    assert.equal(again.totals().lines, 3);
    again.close();
  });
}

/** Lines that come back, and lines that were corrected. */
export function readingAgain(open: Open): void {
  it("restores a removed line with its result when it is back", () => {
    const directory = makeRunDirectory();
    for (const urls of [[1, 2], [1]]) {
      const ledger = open(directory);
      read(ledger, list, lines(...urls));
      fetchAll(ledger);
      ledger.close();
    }

    const again = open(directory);
    const reading = again.startReading(list);
    const planned = reading.plan(lines(1, 2));

    assert.deepEqual(planned.restored, { done: 1, failed: 0, skipped: 0, unknown: 0, waiting: 0 });
    assert.equal(reading.end(true), false);
    assert.deepEqual([states(again), again.totals().removed], [["1 done ok", "2 done ok"], 0]);
    again.close();
  });

  it("hands out a restored line that waits", () => {
    const directory = makeRunDirectory();
    for (const urls of [[1, 2], [2]]) {
      const ledger = open(directory);
      read(ledger, list, lines(...urls));
      ledger.close();
    }

    const again = open(directory);
    const reading = again.startReading(list);
    reading.plan(lines(2));
    const before = claim(again, 9).map(({ job }) => job.url);
    reading.plan(lines(1));

    assert.deepEqual(before, [url(2)]);
    assert.deepEqual(
      claim(again, 9).map(({ job }) => job.url),
      [url(1)],
    );
    again.close();
  });

  it("replaces an invalid line by the line that corrects it", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    read(first, list, [invalid(1, "?"), ...lines(5).map((line) => ({ ...line, line: 2 }))]);
    first.close();

    const again = open(directory);
    read(again, list, lines(1, 5));

    assert.deepEqual(states(again), ["2 pending", "1 pending"]);
    assert.equal(again.totals().removed, 0);
    again.close();
  });

  it("keeps an invalid line apart that no line replaces", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    read(first, list, [invalid(1, "?"), ...lines(5).map((line) => ({ ...line, line: 2 }))]);
    first.close();

    const again = open(directory);
    read(again, list, lines(5));

    assert.deepEqual(states(again), ["1 pending"]);
    assert.equal(again.totals().removed, 1);
    again.close();
  });
}

/** What may be handed out while a file is read. */
export function readingAndHandingOut(open: Open): void {
  it("hands a row of an earlier reading out only when this reading has reached its line", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    read(first, list, lines(1, 2, 3));
    first.close();

    const again = open(directory);
    const reading = again.startReading(list);
    assert.deepEqual(claim(again, 9), []);
    reading.plan(lines(3));
    assert.deepEqual(claimed(again), [1]);
    reading.plan([{ kind: "job", line: 2, method: "GET", url: url(1) }]);
    assert.deepEqual(claimed(again), [2]);
    reading.end(true);

    assert.deepEqual(claim(again, 9), []);
    assert.equal(again.totals().removed, 1);
    again.close();
  });

  it("hands a deferred row out only when this reading has reached its line", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    read(first, list, lines(1, 2));
    for (const lease of claim(first, 2))
      first.record(outcome(lease, { at: "deferred", until: 5, deferrals: 1, reason: "d" }));
    first.commit();
    first.close();

    const again = open(directory);
    const reading = again.startReading(list);
    assert.deepEqual([again.nextDueAt(1), claim(again, 9, 9)], [undefined, []]);
    reading.plan(lines(2));

    assert.equal(again.nextDueAt(1), 5);
    assert.deepEqual(
      claim(again, 9, 9).map(({ job }) => job.url),
      [url(2)],
    );
    again.close();
  });

  it("hands rows out immediately whose file is not read, or that have none", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    read(first, list, lines(1));
    read(first, other, lines(2));
    first.plan(lines(3));
    first.close();

    const again = open(directory);
    again.startReading(list).end(false);

    assert.deepEqual(
      claim(again, 9).map(({ job }) => job.url),
      [url(2), url(3)],
    );
    again.close();
  });
}

/** Several files in one folder. */
export function readingSeveral(open: Open): void {
  it("refuses the file of another path, adds it, or lets it take the place of the first", () => {
    const directory = makeRunDirectory();
    const ledger = open(directory);
    read(ledger, list, lines(1, 2));
    assert.throws(
      () => ledger.startReading(other),
      /has the run of \/lists\/urls\.txt, not of \/lists\/more\.txt/,
    );
    read(ledger, other, lines(3));
    assert.deepEqual(ledger.lists(), [list, other]);
    assert.equal(ledger.totals().lines, 3);
    ledger.close();

    const again = open(directory);
    readWhole(again.startReading("/lists/new.txt", "replace"), lines(2, 3));

    assert.deepEqual(again.lists(), ["/lists/new.txt"]);
    assert.deepEqual(states(again), ["1 pending", "2 pending"]);
    assert.equal(again.totals().removed, 1);
    again.close();
  });

  it("fetches a line of two files once, also after the first file has lost it", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    read(first, list, lines(1, 2));
    read(first, other, lines(1));
    assert.deepEqual(states(first), ["1 pending", "2 pending", "1 skipped duplicate-of-line-1"]);
    assert.equal(fetchAll(first), 2);
    first.close();

    const again = open(directory);
    read(again, list, lines(2));
    read(again, other, lines(1));

    assert.deepEqual(states(again), ["1 done ok", "1 done ok"]);
    assert.equal(again.totals().removed, 1);
    again.close();
  });
}

/** Any edits of the files between the runs. */
export function readingEdited(open: Open): void {
  it("has exactly the lines of the last complete readings, for any edits and interruptions", () => {
    const step = fc.record({
      path: fc.constantFrom(list, other),
      urls: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }),
      until: fc.integer({ min: 0, max: 8 }),
      fetches: fc.boolean(),
    });
    const property = fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const directory = makeRunDirectory();
      const fetched = new Set<string>();
      for (const { path, urls, until, fetches } of steps) {
        const ledger = open(directory);
        const reading = ledger.startReading(path, "add");
        reading.plan(lines(...urls.slice(0, until)));
        if (until > urls.length) reading.end(true);
        if (fetches) fetchOnce(ledger, fetched);
        assert.ok(sums(ledger), JSON.stringify(ledger.totals()));
        if (until > urls.length)
          assert.deepEqual(
            [...ledger.results()]
              .filter((row) => row.list === path)
              .map((row) => row.url)
              .toSorted(),
            urls.map(url).toSorted(),
          );
        ledger.close();
      }
    });
    fc.assert(property, { numRuns: 60 });
  });
}

/** Records an outcome for each row that may be handed out, and checks that its URL was not fetched before. */
function fetchOnce(ledger: Ledger, fetched: Set<string>): void {
  for (const lease of claim(ledger, 1_000)) {
    assert.ok(!fetched.has(lease.job.url), `${lease.job.url} is fetched twice`);
    fetched.add(lease.job.url);
    ledger.record(outcome(lease));
  }
  ledger.commit();
}
