import type { DatabaseSync } from "node:sqlite";
import type { OtherList } from "../ledger/list-reading.ts";
import { LedgerError } from "../ledger/ledger.ts";
import { addedLines } from "./reached-rows.ts";
import { readNumber, readText } from "./row.ts";
import { transaction } from "./transaction.ts";

/** Returns the paths of the lists in the order in which they were added. */
export function readLists(db: DatabaseSync): readonly string[] {
  return db
    .prepare("SELECT path FROM list WHERE path IS NOT NULL ORDER BY id")
    .all()
    .map((row) => readText(row, "path"));
}

/** @throws LedgerError if the folder has lists, and none with this path. */
export function checkIsKnownList(db: DatabaseSync, path: string): void {
  const lists = readLists(db);
  if (lists.length > 0 && !lists.includes(path)) throw otherListError(path, lists);
}

/**
 * Returns the id of the list with this path. A new path becomes the first list of the folder, or a further one. With
 * `"replace"`, it takes the place of all of them: their rows stay, and its reading decides which of them go.
 */
export function findList(db: DatabaseSync, path: string, other: OtherList): number {
  return transaction(db, () => {
    const known = db.prepare("SELECT id FROM list WHERE path = ?").get(path);
    if (other === "replace" && readLists(db).length > 0) return replaceLists(db, path);
    if (known !== undefined) return readNumber(known, "id");
    return Number(db.prepare("INSERT INTO list (path) VALUES (?)").run(path).lastInsertRowid);
  });
}

function replaceLists(db: DatabaseSync, path: string): number {
  const id = readNumber(db.prepare("SELECT min(id) AS id FROM list WHERE id <> ?").get(addedLines), "id");
  db.prepare("UPDATE job SET list = ?1 WHERE list NOT IN (?1, ?2)").run(id, addedLines);
  db.prepare("UPDATE list SET rows = (SELECT sum(rows) FROM list WHERE id <> ?1) WHERE id = ?2").run(
    addedLines,
    id,
  );
  db.prepare("DELETE FROM list WHERE id NOT IN (?, ?)").run(id, addedLines);
  db.prepare("UPDATE list SET path = ? WHERE id = ?").run(path, id);
  return id;
}

function otherListError(path: string, lists: readonly string[]): LedgerError {
  return new LedgerError(
    `the folder has the run of ${lists.join(" and ")}, not of ${path}: add the list, let it replace the other, or use another folder`,
    path,
  );
}
