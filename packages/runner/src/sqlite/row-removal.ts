import type { DatabaseSync } from "node:sqlite";
import type { ReachedRows } from "./reached-rows.ts";
import { readNumber, type SqlRow } from "./row.ts";

export interface RowRemovalOptions {
  readonly db: DatabaseSync;
  readonly reached: ReachedRows;
  readonly list: number;
  /** The last row before the reading. */
  readonly rowsBefore: number;
}

interface UnreachedRow {
  readonly id: number;
  readonly line: number;
  readonly isInvalid: boolean;
  readonly isFirst: boolean;
}

/** Sets the rows apart that a complete reading of their list has not reached. */
export class RowRemoval {
  readonly #options: RowRemovalOptions;

  constructor(options: RowRemovalOptions) {
    this.#options = options;
  }

  /** Returns whether any row was set apart. Must run in a transaction. */
  run(): boolean {
    const rows = this.#findUnreached();
    if (rows.length === 0) return false;
    const corrected = rows.some(({ isInvalid }) => isInvalid) ? this.#findNewLines() : new Set<number>();
    const { db, list } = this.#options;
    const remove = db.prepare("INSERT INTO removed (id) VALUES (?)");
    const unqueue = db.prepare(`
      DELETE FROM queue WHERE (host, due, id) = (SELECT host, coalesce(until, 0), job.id FROM job
      LEFT JOIN deferral ON deferral.id = job.id WHERE job.id = ?)`);
    const deleteOutcome = db.prepare("DELETE FROM outcome WHERE id = ?");
    const deleteJob = db.prepare("DELETE FROM job WHERE id = ?");
    for (const row of rows) {
      if (row.isInvalid && corrected.has(row.line)) {
        deleteOutcome.run(row.id);
        deleteJob.run(row.id);
      } else {
        const id = row.isFirst ? this.#passOn(row) : row.id;
        unqueue.run(id);
        remove.run(id);
      }
    }
    db.prepare("UPDATE list SET rows = rows - ? WHERE id = ?").run(rows.length, list);
    return true;
  }

  #findUnreached(): readonly UnreachedRow[] {
    const { db, reached, list, rowsBefore } = this.#options;
    const select = db.prepare(`
      SELECT job.id, line, occurrence, method FROM job
      WHERE list = ? AND job.id <= ? AND NOT EXISTS (SELECT 1 FROM removed WHERE removed.id = job.id)`);
    const rows: UnreachedRow[] = [];
    for (const row of select.iterate(list, rowsBefore))
      if (!reached.has(readNumber(row, "id"))) rows.push(toUnreached(row));
    return rows;
  }

  /** Returns the numbers of the lines that this reading has added to the list. */
  #findNewLines(): ReadonlySet<number> {
    const { db, list, rowsBefore } = this.#options;
    const lines = db.prepare("SELECT line FROM job WHERE id > ? AND list = ?").all(rowsBefore, list);
    return new Set(lines.map((row) => readNumber(row, "line")));
  }

  /**
   * Of equal lines, the first is fetched. When it leaves its list and an equal line is in another one, the two rows exchange
   * their places. Returns the row to remove.
   */
  #passOn({ id, line }: UnreachedRow): number {
    const { db, list, reached } = this.#options;
    const equal = db
      .prepare(
        `SELECT other.id, other.list, other.line FROM job JOIN job AS other ON other.key = job.key
        WHERE job.id = ? AND other.id <> job.id AND other.method <> ''
          AND NOT EXISTS (SELECT 1 FROM removed WHERE removed.id = other.id)`,
      )
      .all(id)
      .find((row) => row["list"] !== list || reached.has(readNumber(row, "id")));
    if (equal === undefined) return id;
    const other = readNumber(equal, "id");
    const place = db.prepare("UPDATE job SET list = ?, line = ? WHERE id = ?");
    place.run(readNumber(equal, "list"), readNumber(equal, "line"), id);
    place.run(list, line, other);
    if (reached.has(other)) reached.add(id);
    return other;
  }
}

function toUnreached(row: SqlRow): UnreachedRow {
  return {
    id: readNumber(row, "id"),
    line: readNumber(row, "line"),
    // A line that cannot be a request has no method.
    isInvalid: row["method"] === "",
    isFirst: row["occurrence"] === 1,
  };
}
