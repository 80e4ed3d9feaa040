import { hash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ListReading, PlanCounts, PlannedLine, StateCounts } from "../ledger/list-reading.ts";
import type { HostKey } from "../host/host-key.ts";
import type { Hosts } from "./hosts.ts";
import { addedLines, type ReachedRows } from "./reached-rows.ts";
import { RowRemoval } from "./row-removal.ts";
import { readNumber, type SqlRow } from "./row.ts";
import { commitShared, sharedTransaction, transaction } from "./transaction.ts";

type Counts = { -readonly [Name in keyof Omit<PlanCounts, "restored">]: number };
type RestoredCounts = { -readonly [State in keyof StateCounts]: number };

export interface LinePlannerOptions {
  readonly reached: ReachedRows;
  readonly hosts: Hosts;
  readonly hostKey: HostKey;
  readonly now: () => number;
}

/**
 * Turns the lines of lists into rows.
 *
 * Equal lines have one key and are numbered: the row with the number 1 is fetched, the others are skipped. The n-th equal
 * line of a reading is the n-th row of its list with that key.
 */
export class LinePlanner {
  readonly #db: DatabaseSync;
  readonly #options: LinePlannerOptions;

  constructor(db: DatabaseSync, options: LinePlannerOptions) {
    this.#db = db;
    this.#options = options;
    db.exec(
      "CREATE TEMP TABLE equal (list INTEGER, key BLOB, occurrence INTEGER NOT NULL, PRIMARY KEY (list, key)) WITHOUT ROWID",
    );
  }

  /** Begins to read the list with this id. */
  startReading(list: number): ListReading {
    this.#options.reached.startReading(list);
    return new SqliteListReading({ ...this.#options, db: this.#db, list });
  }
}

interface ReadingOptions extends LinePlannerOptions {
  readonly db: DatabaseSync;
  readonly list: number;
}

/** Lines of a batch after which the input goes on immediately. */
const fullBatch = 256;

/** Lines that share a transaction. If the process dies, their list is read again. */
const maxUncommitted = 16_384;

class SqliteListReading implements ListReading {
  readonly #options: ReadingOptions;
  readonly #statements: ReturnType<typeof prepareStatements>;
  /** The rows before this reading: without such rows, a line is most likely new. */
  readonly #rowsBefore: number;
  #counts: Counts = { added: 0, known: 0, duplicates: 0, invalid: 0 };
  #restored: RestoredCounts | undefined;
  #reachedRows = 0;
  #uncommitted = 0;
  #newRows = 0;

  constructor(options: ReadingOptions) {
    this.#options = options;
    this.#statements = prepareStatements(options.db);
    this.#rowsBefore = readNumber(
      options.db.prepare("SELECT coalesce(max(id), 0) AS id FROM job").get(),
      "id",
    );
  }

  plan(lines: readonly PlannedLine[]): PlanCounts {
    this.#counts = { added: 0, known: 0, duplicates: 0, invalid: 0 };
    this.#restored = undefined;
    this.#newRows = 0;
    const { db, list } = this.#options;
    sharedTransaction(db, () => {
      for (const line of lines) this.#counts[this.#planLine(line)] += 1;
      if (this.#newRows > 0) this.#statements.countRows.run(this.#newRows, list);
    });
    this.#uncommitted += lines.length;
    // A small batch ends at a pause of the input, and may be the last one for long.
    if (lines.length < fullBatch || this.#uncommitted >= maxUncommitted) {
      commitShared(db);
      this.#uncommitted = 0;
    }
    return this.#restored === undefined ? this.#counts : { ...this.#counts, restored: this.#restored };
  }

  end(isWhole: boolean): boolean {
    const { db, reached, list } = this.#options;
    reached.endReading(list);
    if (!isWhole || list === addedLines || this.#rowsBefore === 0) return false;
    const rows = readNumber(db.prepare("SELECT rows FROM list WHERE id = ?").get(list), "rows");
    if (rows === this.#reachedRows) return false;
    const removal = new RowRemoval({ db, reached, list, rowsBefore: this.#rowsBefore });
    return transaction(db, () => removal.run());
  }

  #planLine(line: PlannedLine): keyof Counts {
    const key = lineKey(line);
    if (this.#rowsBefore === 0) {
      const id = this.#insert(line, key, 1);
      if (id !== undefined) return this.#startRow(line, id, 1);
    }
    const first = this.#statements.selectFirst.get(key);
    if (first === undefined) return this.#startRow(line, this.#insert(line, key, 1), 1);
    const isNext =
      first["list"] === this.#options.list && !this.#options.reached.has(readNumber(first, "id"));
    return isNext ? this.#match(line, first) : this.#planEqual(line, key, first);
  }

  /** Plans a line with the key of a row that is another list's, or was reached before. */
  #planEqual(line: PlannedLine, key: Uint8Array, first: SqlRow): keyof Counts {
    const { list } = this.#options;
    const last = this.#statements.selectEqual.get(list, key)?.["occurrence"] ?? 1;
    const next = this.#statements.selectNext.get(key, list, last);
    if (next !== undefined) {
      this.#statements.setEqual.run(list, key, readNumber(next, "occurrence"));
      return this.#match(line, next);
    }
    const gone = first["removed"] === 1 ? first : this.#statements.selectRemoved.get(key);
    if (gone === undefined) {
      const occurrence = readNumber(this.#statements.selectLast.get(key), "occurrence") + 1;
      this.#statements.setEqual.run(list, key, occurrence);
      return this.#startRow(line, this.#insert(line, key, occurrence), occurrence);
    }
    // Any list may take over a row that no list has: it may be fetched already.
    this.#statements.setList.run(list, readNumber(gone, "id"));
    const occurrence = readNumber(gone, "occurrence");
    if (occurrence > 1) this.#statements.setEqual.run(list, key, occurrence);
    return this.#match(line, gone);
  }

  #match(line: PlannedLine, row: SqlRow): "known" {
    const id = readNumber(row, "id");
    const isBack = row["removed"] === 1;
    if (row["line"] !== line.line) this.#statements.setLine.run(line.line, id);
    if (isBack) this.#restore(line, id);
    this.#reached(id);
    return "known";
  }

  #restore(line: PlannedLine, id: number): void {
    if (line.kind === "job") this.#options.hosts.wake(this.#options.hostKey(line.url));
    this.#statements.restore.run(id);
    this.#statements.queue.run(id);
    this.#newRows += 1;
    this.#restored ??= { done: 0, failed: 0, skipped: 0, unknown: 0, waiting: 0 };
    const state = this.#statements.selectState.get(id)?.["state"] ?? "waiting";
    if (isState(state)) this.#restored[state] += 1;
  }

  #startRow(line: PlannedLine, id: number | undefined, occurrence: number): keyof Counts {
    if (id === undefined) throw new TypeError(`The row of line ${line.line} exists already`);
    this.#newRows += 1;
    this.#reached(id);
    if (line.kind === "invalid") {
      this.#statements.insertInvalid.run(id, line.reason, this.#options.now());
      return "invalid";
    }
    if (occurrence === 1) {
      this.#statements.queue.run(id);
      return "added";
    }
    this.#statements.insertDuplicate.run(id, this.#options.now());
    return "duplicates";
  }

  #reached(id: number): void {
    this.#options.reached.add(id);
    this.#reachedRows += 1;
  }

  #insert(line: PlannedLine, key: Uint8Array, occurrence: number): number | undefined {
    const [method, url, request] =
      line.kind === "job" ? [line.method, line.url, line.request] : ["", line.text, undefined];
    const { changes, lastInsertRowid } = this.#statements.insertJob.run(
      key,
      occurrence,
      this.#options.list,
      line.line,
      method,
      url,
      request === undefined ? null : JSON.stringify(request),
      line.kind === "job" ? this.#options.hosts.wake(this.#options.hostKey(url)) : null,
    );
    return changes === 0 ? undefined : Number(lastInsertRowid);
  }
}

function isState(state: unknown): state is keyof StateCounts {
  return ["done", "failed", "skipped", "unknown", "waiting"].includes(String(state));
}

function prepareStatements(
  db: DatabaseSync,
): Readonly<
  Record<
    | "insertJob"
    | "selectFirst"
    | "selectEqual"
    | "setEqual"
    | "selectNext"
    | "selectRemoved"
    | "selectLast"
    | "selectState"
    | "setList"
    | "setLine"
    | "restore"
    | "queue"
    | "countRows"
    | "insertDuplicate"
    | "insertInvalid",
    StatementSync
  >
> {
  const columns =
    "id, list, line, occurrence, EXISTS (SELECT 1 FROM removed WHERE removed.id = job.id) AS removed";
  return {
    insertJob: db.prepare(
      "INSERT INTO job (key, occurrence, list, line, method, url, request, host) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    selectFirst: db.prepare(`SELECT ${columns} FROM job WHERE key = ? AND occurrence = 1`),
    selectEqual: db.prepare("SELECT occurrence FROM equal WHERE list = ? AND key = ?"),
    setEqual: db.prepare(
      "INSERT INTO equal VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET occurrence = excluded.occurrence",
    ),
    selectNext: db.prepare(
      `SELECT ${columns} FROM job WHERE key = ? AND list = ? AND occurrence > ? ORDER BY occurrence LIMIT 1`,
    ),
    selectRemoved: db.prepare(
      `SELECT ${columns} FROM job WHERE key = ? AND id IN (SELECT id FROM removed) ORDER BY occurrence LIMIT 1`,
    ),
    selectLast: db.prepare("SELECT max(occurrence) AS occurrence FROM job WHERE key = ?"),
    selectState: db.prepare("SELECT state FROM outcome WHERE id = ?"),
    setList: db.prepare("UPDATE job SET list = ? WHERE id = ?"),
    setLine: db.prepare("UPDATE job SET line = ? WHERE id = ?"),
    restore: db.prepare("DELETE FROM removed WHERE id = ?"),
    queue: db.prepare(`
      INSERT INTO queue SELECT host, coalesce(until, 0), job.id FROM job
      LEFT JOIN deferral ON deferral.id = job.id LEFT JOIN outcome ON outcome.id = job.id
      WHERE job.id = ? AND host IS NOT NULL AND (outcome.id IS NULL OR outcome.retryable = 1) ON CONFLICT DO NOTHING`),
    countRows: db.prepare("UPDATE list SET rows = rows + ? WHERE id = ?"),
    insertDuplicate: db.prepare(
      "INSERT INTO outcome (id, state, reason, recorded_at) VALUES (?, 'skipped', 'duplicate', ?)",
    ),
    insertInvalid: db.prepare(
      "INSERT INTO outcome (id, state, reason, recorded_at) VALUES (?, 'failed', ?, ?)",
    ),
  };
}

function lineKey(line: PlannedLine): Uint8Array {
  const content =
    line.kind === "job" ? `${line.method}\n${line.url}\n${line.request?.body ?? ""}` : `\n${line.text}`;
  return hash("sha256", content, "buffer").subarray(0, 16);
}
