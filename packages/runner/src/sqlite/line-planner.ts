import type { DatabaseSync, StatementSync } from "node:sqlite";
import { hash } from "node:crypto";
import type { PlanCounts, PlannedLine } from "../ledger/ledger.ts";
import { readNumber } from "./row.ts";
import { transaction } from "./transaction.ts";

/** A line's row: its id, or undefined when the row existed before, and the line's number among equal lines. */
interface PlannedRow {
  readonly id: number | undefined;
  readonly occurrence: number;
}

/**
 * Turns the lines of one list into rows.
 *
 * Equal lines are numbered. In an empty ledger the number of a line is one more than the number of equal rows. In a
 * ledger with rows, a temporary table counts the equal lines of this reading, to tell known lines from new ones.
 */
export class LinePlanner {
  readonly #db: DatabaseSync;
  readonly #insertJob: StatementSync;
  readonly #selectLastOccurrence: StatementSync;
  readonly #selectFirstLine: StatementSync;
  readonly #insertDuplicate: StatementSync;
  readonly #insertInvalid: StatementSync;
  readonly #countOccurrence: StatementSync | undefined;
  readonly #now: () => number;

  constructor(db: DatabaseSync, now: () => number) {
    this.#db = db;
    this.#now = now;
    this.#insertJob = db.prepare(
      "INSERT INTO job (key, occurrence, line, method, url, request) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    this.#selectLastOccurrence = db.prepare("SELECT max(occurrence) AS occurrence FROM job WHERE key = ?");
    this.#selectFirstLine = db.prepare("SELECT line FROM job WHERE key = ? AND occurrence = 1");
    this.#insertDuplicate = db.prepare(
      "INSERT INTO outcome (id, state, reason, duplicate_of, recorded_at) VALUES (?, 'skipped', 'duplicate', ?, ?)",
    );
    this.#insertInvalid = db.prepare(
      "INSERT INTO outcome (id, state, reason, recorded_at) VALUES (?, 'failed', ?, ?)",
    );
    if (db.prepare("SELECT 1 FROM job LIMIT 1").get() === undefined) return;
    db.exec("CREATE TEMP TABLE reading (key BLOB PRIMARY KEY, occurrence INTEGER NOT NULL) WITHOUT ROWID");
    this.#countOccurrence = db.prepare(
      "INSERT INTO reading VALUES (?, 1) ON CONFLICT DO UPDATE SET occurrence = occurrence + 1 RETURNING occurrence",
    );
  }

  plan(lines: readonly PlannedLine[]): PlanCounts {
    const counts = { added: 0, known: 0, duplicates: 0, invalid: 0 };
    transaction(this.#db, () => {
      for (const line of lines) counts[this.#planLine(line)] += 1;
    });
    return counts;
  }

  #planLine(line: PlannedLine): keyof PlanCounts {
    const key = lineKey(line);
    const { id, occurrence } =
      this.#countOccurrence === undefined
        ? this.#append(line, key)
        : this.#match(line, key, this.#countOccurrence);
    if (id === undefined) return "known";
    if (line.kind === "invalid") {
      this.#insertInvalid.run(id, line.reason, this.#now());
      return "invalid";
    }
    if (occurrence === 1) return "added";
    this.#insertDuplicate.run(id, readNumber(this.#selectFirstLine.get(key), "line"), this.#now());
    return "duplicates";
  }

  #append(line: PlannedLine, key: Uint8Array): PlannedRow {
    const id = this.#insert(line, key, 1);
    if (id !== undefined) return { id, occurrence: 1 };
    const occurrence = readNumber(this.#selectLastOccurrence.get(key), "occurrence") + 1;
    return { id: this.#insert(line, key, occurrence), occurrence };
  }

  #match(line: PlannedLine, key: Uint8Array, count: StatementSync): PlannedRow {
    const occurrence = readNumber(count.get(key), "occurrence");
    return { id: this.#insert(line, key, occurrence), occurrence };
  }

  #insert(line: PlannedLine, key: Uint8Array, occurrence: number): number | undefined {
    const [method, url, request] =
      line.kind === "job" ? [line.method, line.url, line.request] : ["", line.text, undefined];
    const { changes, lastInsertRowid } = this.#insertJob.run(
      key,
      occurrence,
      line.line,
      method,
      url,
      request === undefined ? null : JSON.stringify(request),
    );
    return changes === 0 ? undefined : Number(lastInsertRowid);
  }
}

function lineKey(line: PlannedLine): Uint8Array {
  const content =
    line.kind === "job" ? `${line.method}\n${line.url}\n${line.request?.body ?? ""}` : `\n${line.text}`;
  return hash("sha256", content, "buffer").subarray(0, 16);
}
