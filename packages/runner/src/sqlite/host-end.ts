import type { DatabaseSync } from "node:sqlite";
import type { HostEnd } from "../ledger/ledger.ts";
import { transaction } from "./transaction.ts";

/** The lines to end: those of one host, without the rows that are handed out. */
export interface EndedHost extends HostEnd {
  readonly host: number;
  readonly leased: ReadonlySet<number>;
}

/** Ends the lines of a host as retryable failures, in one transaction. Returns how many. */
export function endHost(db: DatabaseSync, { host, reason, advice, at, leased }: EndedHost): number {
  return transaction(db, () => {
    const ids = JSON.stringify([...leased]);
    const { changes } = db
      .prepare(
        `INSERT INTO outcome (id, state, reason, retryable, recorded_at, attempts)
        SELECT queue.id, 'failed', ?1, 1, ?2, coalesce(deferral.attempts, 0) FROM queue
        LEFT JOIN deferral ON deferral.id = queue.id
        WHERE host = ?3 AND queue.id NOT IN (SELECT value FROM json_each(?4))
        ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, recorded_at = excluded.recorded_at
        WHERE outcome.retryable = 1`,
      )
      .run(reason, Math.round(at), host, ids);
    db.prepare(
      `DELETE FROM deferral WHERE id IN (SELECT id FROM queue WHERE host = ?)
      AND id NOT IN (SELECT value FROM json_each(?))`,
    ).run(host, ids);
    db.prepare("DELETE FROM queue WHERE host = ? AND id NOT IN (SELECT value FROM json_each(?))").run(
      host,
      ids,
    );
    db.prepare(
      "INSERT INTO advice (reason, advice) VALUES (?, ?) ON CONFLICT DO UPDATE SET advice = excluded.advice",
    ).run(reason, advice);
    return Number(changes);
  });
}
