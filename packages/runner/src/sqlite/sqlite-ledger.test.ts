import assert from "node:assert/strict";
import { hash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LedgerError, type Ledger } from "../ledger/ledger.ts";
import { ledgerContract } from "../testing/ledger-contract/ledger-contract.ts";
import type { PlannedLine } from "../ledger/list-reading.ts";
import { makeRunDirectory } from "../testing/run-directory.ts";
import { openDatabase } from "@holdfast/http/internal/files";
import { segmentPath } from "./segments.ts";
import { openLedger } from "./sqlite-ledger.ts";
import { databasePath, readLedger } from "./sqlite-ledger-reader.ts";

ledgerContract("sqlite", (directory) => openLedger(directory));

const isLedgerError = (pattern: RegExp) => (error: unknown) =>
  error instanceof LedgerError && error.code === "ERR_LEDGER" && pattern.test(error.message);

function fetchOne(ledger: Ledger, n: number): void {
  ledger.plan([{ kind: "job", line: n, method: "GET", url: `https://example.com/${n}` }]);
  for (const lease of ledger.claim(1, { now: 0, max: 9 })) {
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
  it("allows one owner at a time", () => {
    const directory = makeRunDirectory();
    const owner = openLedger(directory);

    assert.throws(() => openLedger(directory), isLedgerError(/in use by another process/));
    owner.close();
    openLedger(directory).close();
  });

  it("can be read while a process owns it, and reports a run as running or interrupted", () => {
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

  it("rejects reading a directory without a ledger", () => {
    assert.throws(() => readLedger(makeRunDirectory()), isLedgerError(/has no ledger/));
  });

  it("rejects a file that is not a database, and releases the lock", () => {
    const directory = makeRunDirectory();
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "ledger.db"), "x".repeat(10_000));

    assert.throws(() => openLedger(directory), isLedgerError(/not a database/));
    assert.throws(() => openLedger(directory), isLedgerError(/not a database/), "the lock was released");
  });

  it("truncates the incomplete tail of a segment after a crash", () => {
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

  it("keeps its locks when the same process reads it or opens it again", () => {
    const directory = makeRunDirectory();
    const owner = openLedger(directory);
    fetchOne(owner, 1);
    const before = locksOn(databasePath(directory));

    readLedger(directory).close();
    assert.throws(() => openLedger(directory), isLedgerError(/in use by another process/));

    assert.deepEqual(locksOn(databasePath(directory)), before);
    if (process.platform === "linux") assert.equal(before.length, 1);
    owner.close();
  });

  it("rejects a segment that is shorter than its committed length", () => {
    const directory = makeRunDirectory();
    const first = openLedger(directory);
    fetchOne(first, 100);
    first.close();
    truncateSync(segmentPath(directory, 1), 10);

    assert.throws(() => openLedger(directory), isLedgerError(/has 10 bytes, but \d+ were committed/));
  });

  it("rejects a body that was damaged on disk, and returns the others", () => {
    const directory = makeRunDirectory();
    const ledger = openLedger(directory);
    fetchOne(ledger, 100);
    const damagedAt = statSync(segmentPath(directory, 1)).size - 5;
    fetchOne(ledger, 200);
    ledger.close();
    overwrite(segmentPath(directory, 1), damagedAt);

    const reader = readLedger(directory);
    const [first, second] = [...reader.results()];

    assert.equal(second?.body?.length, 200);
    assert.throws(() => first?.body, isLedgerError(/damaged at byte 0/));
    reader.close();
  });

  it("rejects every write after a failed write", () => {
    const ledger = openLedger(makeRunDirectory());
    ledger.plan([{ kind: "job", line: 1, method: "GET", url: "https://example.com/" }]);
    const [lease] = ledger.claim(1, { now: 0, max: 1 });
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

describe("planned lines", () => {
  const batch = (from: number, count: number): PlannedLine[] =>
    Array.from({ length: count }, (_, index) => ({
      kind: "job",
      line: from + index,
      method: "GET",
      url: `https://example.com/${from + index}`,
    }));

  it("share a transaction while their list goes on, until any other write, a pause or the end", () => {
    const directory = makeRunDirectory();
    const ledger = openLedger(directory);
    const stored = (): number => {
      const reader = readLedger(directory);
      const { lines } = reader.totals();
      reader.close();
      return lines;
    };
    const counts: number[] = [];

    ledger.plan(batch(1, 256));
    counts.push(stored());
    ledger.setRunInfo({ startedAt: 1 });
    counts.push(stored());
    ledger.plan(batch(257, 256));
    ledger.plan(batch(513, 1));
    counts.push(stored());
    ledger.plan(batch(514, 256));
    counts.push(stored(), ledger.totals().lines);
    ledger.close();

    assert.deepEqual([...counts, stored()], [0, 256, 513, 513, 769, 769]);
  });
});

describe("a ledger of another version", () => {
  const message = (found: number): RegExp =>
    new RegExp(
      `was written by an? (older|newer) version of holdfast \\(ledger version ${found}, expected \\d+\\): use a new`,
    );

  for (const found of [1, 99]) {
    it(`is rejected and stays as it is (version ${found})`, () => {
      const directory = makeRunDirectory();
      const ledger = openLedger(directory);
      fetchOne(ledger, 100);
      ledger.close();
      setVersion(directory, found).close();
      const before = readFiles(directory);

      assert.throws(() => openLedger(directory), isLedgerError(message(found)));
      assert.throws(() => readLedger(directory), isLedgerError(message(found)));

      assert.deepEqual(readFiles(directory), before);
    });
  }

  it("is rejected and keeps its tables and segments when its last process was killed", () => {
    const live = makeRunDirectory();
    const ledger = openLedger(live);
    fetchOne(ledger, 100);
    const db = setVersion(live, 1);
    const killed = makeRunDirectory();
    cpSync(live, killed, { recursive: true });
    db.close();
    ledger.close();
    const isKept = (name: string): boolean => /\.(db|db-wal|seg)$/.test(name);
    const before = readFiles(killed).filter(([name]) => isKept(name));
    assert.ok(before.some(([name]) => name.endsWith("-wal")));

    assert.throws(() => openLedger(killed), isLedgerError(message(1)));
    assert.throws(() => readLedger(killed), isLedgerError(message(1)));

    assert.deepEqual(
      readFiles(killed).filter(([name]) => isKept(name)),
      before,
    );
  });
});

/** Sets the version of a ledger and returns the connection. The new version is in the write-ahead log until it closes. */
function setVersion(directory: string, version: number): ReturnType<typeof openDatabase> {
  const db = openDatabase(join(directory, "ledger.db"));
  db.exec(`PRAGMA user_version = ${version}`);
  return db;
}

/** Returns the name and the hash of every file of a directory. */
function readFiles(directory: string): [string, string][] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .toSorted()
    .filter((name) => statSync(join(directory, name)).isFile())
    .map((name) => [name, hash("sha256", readFileSync(join(directory, name)))]);
}

/** Returns the locks on a file, which only Linux lists. */
function locksOn(path: string): readonly string[] {
  if (!existsSync("/proc/locks")) return [];
  const inode = `:${statSync(path).ino} `;
  const lines = readFileSync("/proc/locks", "utf8").split("\n");
  return lines.filter((line) => line.includes(inode)).map((line) => line.replace(/^\d+:/, ""));
}

function overwrite(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
