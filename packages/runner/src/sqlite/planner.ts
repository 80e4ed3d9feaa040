import type { DatabaseSync, StatementSync } from "node:sqlite";
import { hash } from "node:crypto";
import type { PlanCounts, PlannedLine } from "../ledger/ledger.ts";
import { readNumber } from "./row.ts";
import { transaction } from "./transaction.ts";

type PlannedAs = keyof PlanCounts;

/**
 * Turns the lines of one list into rows.
 * In an empty ledger a line's place among its equals is one more than the rows there are;
 * in a ledger with rows the equals of this reading are counted apart, in a temporary table, to tell known lines from new ones.
 */
export class LinePlanner {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #last: StatementSync;
  readonly #first: StatementSync;
  readonly #skip: StatementSync;
  readonly #fail: StatementSync;
  readonly #count: StatementSync | undefined;
  readonly #now: () => number;

  constructor(db: DatabaseSync, now: () => number) {
    this.#db = db;
    this.#now = now;
    this.#insert = db.prepare(
      "INSERT INTO req (key, nth, line, method, url, request) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    this.#last = db.prepare("SELECT max(nth) AS nth FROM req WHERE key = ?");
    this.#first = db.prepare("SELECT line FROM req WHERE key = ? AND nth = 1");
    this.#skip = db.prepare(
      "INSERT INTO res (id, state, reason, original, at) VALUES (?, 'skipped', 'duplicate', ?, ?)",
    );
    this.#fail = db.prepare("INSERT INTO res (id, state, reason, at) VALUES (?, 'failed', ?, ?)");
    if (db.prepare("SELECT 1 FROM req LIMIT 1").get() === undefined) return;
    db.exec("CREATE TEMP TABLE reading (key BLOB PRIMARY KEY, nth INTEGER NOT NULL) WITHOUT ROWID");
    this.#count = db.prepare(
      "INSERT INTO reading VALUES (?, 1) ON CONFLICT DO UPDATE SET nth = nth + 1 RETURNING nth",
    );
  }

  plan(lines: readonly PlannedLine[]): PlanCounts {
    const planned = { added: 0, known: 0, duplicates: 0, invalid: 0 };
    transaction(this.#db, () => {
      for (const line of lines) planned[this.#planLine(line)] += 1;
    });
    return planned;
  }

  #planLine(line: PlannedLine): PlannedAs {
    const key = lineKey(line);
    const { id, nth } =
      this.#count === undefined ? this.#append(line, key) : this.#match(line, key, this.#count);
    if (id === undefined) return "known";
    if (line.kind === "invalid") {
      this.#fail.run(id, line.reason, this.#now());
      return "invalid";
    }
    if (nth === 1) return "added";
    this.#skip.run(id, readNumber(this.#first.get(key), "line"), this.#now());
    return "duplicates";
  }

  #append(line: PlannedLine, key: Uint8Array): { readonly id: number | undefined; readonly nth: number } {
    const id = this.#add(line, key, 1);
    if (id !== undefined) return { id, nth: 1 };
    const nth = readNumber(this.#last.get(key), "nth") + 1;
    return { id: this.#add(line, key, nth), nth };
  }

  #match(
    line: PlannedLine,
    key: Uint8Array,
    count: StatementSync,
  ): { readonly id: number | undefined; readonly nth: number } {
    const nth = readNumber(count.get(key), "nth");
    return { id: this.#add(line, key, nth), nth };
  }

  #add(line: PlannedLine, key: Uint8Array, nth: number): number | undefined {
    const [method, url, request] =
      line.kind === "job" ? [line.method, line.url, line.request] : ["", line.text, undefined];
    const { changes, lastInsertRowid } = this.#insert.run(
      key,
      nth,
      line.line,
      method,
      url,
      request === undefined ? null : JSON.stringify(request),
    );
    return changes === 0 ? undefined : Number(lastInsertRowid);
  }
}

function lineKey(line: PlannedLine): Uint8Array {
  const what =
    line.kind === "job" ? `${line.method}\n${line.url}\n${line.request?.body ?? ""}` : `\n${line.text}`;
  return hash("sha256", what, "buffer").subarray(0, 16);
}
