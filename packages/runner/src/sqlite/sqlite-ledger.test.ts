import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LedgerError, type Ledger } from "../ledger/ledger.ts";
import { ledgerContract } from "../testing/ledger-contract/ledger-contract.ts";
import { makeRunDirectory } from "../testing/run-directory.ts";
import { segmentPath } from "./segments.ts";
import { openLedger, readLedger } from "./sqlite-ledger.ts";

ledgerContract("sqlite", (directory) => openLedger(directory));

const isLedgerError = (pattern: RegExp) => (error: unknown) =>
  error instanceof LedgerError && error.code === "ERR_LEDGER" && pattern.test(error.message);

function fetchOne(ledger: Ledger, n: number): void {
  ledger.plan([{ kind: "job", line: n, method: "GET", url: `https://example.com/${n}` }]);
  for (const lease of ledger.claim(9)) {
    ledger.record({
      lease,
      state: { at: "done" },
      advice: "",
      exchange: { status: 200, body: Buffer.from("b".repeat(n)), bytes: n, attempts: [], elapsed: 0 },
      at: 1,
    });
  }
  ledger.commit();
}

describe("sqlite ledger", () => {
  it("lets one owner in at a time", () => {
    const directory = makeRunDirectory();
    const owner = openLedger(directory);

    assert.throws(() => openLedger(directory), isLedgerError(/in use by another process/));
    owner.close();
    openLedger(directory).close();
  });

  it("is read while it is owned, and tells running from interrupted", () => {
    const directory = makeRunDirectory();
    const owner = openLedger(directory);
    owner.setRunInfo({ startedAt: 1 });
    fetchOne(owner, 1);

    const reader = readLedger(directory);

    assert.equal(reader.totals().done, 1);
    assert.equal(reader.runInfo()?.status, "running");
    owner.close();
    assert.equal(reader.runInfo()?.status, "interrupted");
    reader.close();
  });

  it("refuses to read where there is none", () => {
    assert.throws(() => readLedger(makeRunDirectory()), isLedgerError(/holds no ledger/));
  });

  it("refuses a file that is no database, or a database of something else", () => {
    const directory = makeRunDirectory();
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "ledger.db"), "x".repeat(10_000));

    assert.throws(() => openLedger(directory), isLedgerError(/not a database/));
    assert.throws(() => openLedger(directory), isLedgerError(/not a database/), "the lock was given back");
  });

  it("cuts back the torn tail that a crash left in a segment", () => {
    const directory = makeRunDirectory();
    const first = openLedger(directory);
    fetchOne(first, 100);
    first.close();
    const path = segmentPath(directory, 1);
    const { size } = statSync(path);
    appendFileSync(path, "half a record");

    const again = openLedger(directory);
    fetchOne(again, 200);

    assert.ok(statSync(path).size > size);
    assert.deepEqual(
      [...again.results()].map(({ body }) => body?.length),
      [100, 200],
    );
    again.close();
  });

  it("refuses a segment that is shorter than what was committed", () => {
    const directory = makeRunDirectory();
    const first = openLedger(directory);
    fetchOne(first, 100);
    first.close();
    truncateSync(segmentPath(directory, 1), 10);

    assert.throws(() => openLedger(directory), isLedgerError(/has 10 bytes, but \d+ were committed/));
  });

  it("refuses a body that rotted on disk, and gives the others", () => {
    const directory = makeRunDirectory();
    const ledger = openLedger(directory);
    fetchOne(ledger, 100);
    const rotten = statSync(segmentPath(directory, 1)).size - 5;
    fetchOne(ledger, 200);
    ledger.close();
    overwrite(segmentPath(directory, 1), rotten);

    const reader = readLedger(directory);
    const [first, second] = [...reader.results()];

    assert.equal(second?.body?.length, 200);
    assert.throws(() => first?.body, isLedgerError(/damaged at byte 0/));
    reader.close();
  });

  it("writes nothing more after a write that failed", () => {
    const ledger = openLedger(makeRunDirectory());
    ledger.plan([{ kind: "job", line: 1, method: "GET", url: "https://example.com/" }]);
    const [lease] = ledger.claim(1);
    assert.ok(lease !== undefined);

    // Row 99 does not exist, which the database refuses.
    ledger.record({
      lease: { ...lease, job: { ...lease.job, id: 99 } },
      state: { at: "done" },
      advice: "",
      at: 1,
    });

    assert.throws(() => ledger.commit(), isLedgerError(/FOREIGN KEY/));
    assert.throws(() => ledger.plan([]), isLedgerError(/FOREIGN KEY/));
    ledger.close();
  });
});

function overwrite(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
