import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { JobOutcome } from "../ledger/ledger.ts";
import type { OutcomeState } from "../ledger/state.ts";
import { encodeRecord } from "./record.ts";
import type { RecordLocation, SegmentWriter } from "./segments.ts";
import { transaction } from "./transaction.ts";

interface StagedOutcome {
  readonly outcome: JobOutcome;
  readonly location: RecordLocation | undefined;
}

const emptyBody = new Uint8Array();

/** Records outcomes in groups: first the bodies reach the disk, then one transaction makes them count. */
export class OutcomeRecorder {
  readonly #db: DatabaseSync;
  readonly #segments: SegmentWriter;
  readonly #end: StatementSync;
  readonly #defer: StatementSync;
  readonly #unfail: StatementSync;
  readonly #undefer: StatementSync;
  readonly #forgetIntent: StatementSync;
  readonly #advise: StatementSync;
  readonly #committed: StatementSync;
  readonly #advised = new Set<string>();
  #staged: StagedOutcome[] = [];

  constructor(db: DatabaseSync, segments: SegmentWriter) {
    this.#db = db;
    this.#segments = segments;
    this.#end = db.prepare(`
      INSERT INTO res (id, state, reason, retryable, at, attempts, status, bytes, ms, final_url, type, seg, off, len)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6 + coalesce((SELECT attempts FROM retry WHERE id = ?1), 0), ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
      ON CONFLICT (id) DO UPDATE SET state = excluded.state, reason = excluded.reason, retryable = excluded.retryable,
        status = excluded.status, attempts = res.attempts + excluded.attempts, bytes = excluded.bytes, ms = excluded.ms,
        at = excluded.at, final_url = excluded.final_url, type = excluded.type, seg = excluded.seg, off = excluded.off, len = excluded.len
      WHERE res.retryable = 1`);
    this.#defer = db.prepare(`
      INSERT INTO retry (id, until, rounds, attempts, reason)
      SELECT ?1, ?2, ?3, ?4 + coalesce((SELECT attempts FROM res WHERE id = ?1), 0), ?5
      WHERE NOT EXISTS (SELECT 1 FROM res WHERE id = ?1 AND retryable = 0)
      ON CONFLICT (id) DO UPDATE SET until = excluded.until, rounds = excluded.rounds,
        attempts = retry.attempts + excluded.attempts, reason = excluded.reason`);
    this.#unfail = db.prepare("DELETE FROM res WHERE id = ? AND retryable = 1");
    this.#undefer = db.prepare("DELETE FROM retry WHERE id = ?");
    this.#forgetIntent = db.prepare("DELETE FROM intent WHERE id = ?");
    this.#advise = db.prepare("INSERT INTO advice (reason, advice) VALUES (?, ?) ON CONFLICT DO NOTHING");
    this.#committed = db.prepare(
      "INSERT INTO seg (id, committed) VALUES (?, ?) ON CONFLICT DO UPDATE SET committed = excluded.committed",
    );
  }

  /** Compresses the body at once, so that a commit is short and only compressed bodies wait for it. */
  record(outcome: JobOutcome): void {
    const keep = outcome.exchange !== undefined && outcome.state.at !== "deferred";
    const location = keep ? this.#segments.append(encodeOutcome(outcome)) : undefined;
    this.#staged.push({ outcome: dropBody(outcome), location });
  }

  /** Gives the ids that were recorded. */
  commit(): readonly number[] {
    const staged = this.#staged;
    if (staged.length === 0) return [];
    this.#segments.sync();
    transaction(this.#db, () => {
      for (const each of staged) this.#write(each);
      const { segment, length } = this.#segments.end;
      this.#committed.run(segment, length);
    });
    this.#staged = [];
    return staged.map(({ outcome }) => outcome.lease.job.id);
  }

  #write({ outcome, location }: StagedOutcome): void {
    const { id } = outcome.lease.job;
    const { state } = outcome;
    if (state.at === "deferred") this.#writeDeferred(outcome, state);
    else {
      this.#writeEnded(outcome, location);
      this.#undefer.run(id);
    }
    this.#forgetIntent.run(id);
    if (outcome.advice !== "") this.#writeAdvice(stateReason(state), outcome.advice);
  }

  #writeDeferred({ lease, exchange }: JobOutcome, state: OutcomeState & { at: "deferred" }): void {
    this.#defer.run(
      lease.job.id,
      Math.ceil(state.until),
      state.deferrals,
      exchange?.attempts.length ?? 0,
      state.reason,
    );
    this.#unfail.run(lease.job.id);
  }

  #writeEnded(outcome: JobOutcome, location: RecordLocation | undefined): void {
    const { lease, state, at } = outcome;
    const retryable = state.at === "failed" && state.retryable ? 1 : 0;
    const place =
      location === undefined ? [null, null, null] : [location.segment, location.offset, location.length];
    this.#end.run(
      lease.job.id,
      state.at,
      stateReason(state),
      retryable,
      Math.round(at),
      ...exchangeColumns(outcome),
      ...place,
    );
  }

  #writeAdvice(reason: string, advice: string): void {
    if (this.#advised.has(reason)) return;
    this.#advise.run(reason, advice);
    this.#advised.add(reason);
  }
}

function exchangeColumns({ lease, exchange }: JobOutcome): SQLInputValue[] {
  if (exchange === undefined) return [0, null, 0, null, null, null];
  const { attempts, status = null, bytes, elapsed, finalUrl = lease.job.url, headers = [] } = exchange;
  const type = headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? null;
  return [attempts.length, status, bytes, elapsed, finalUrl === lease.job.url ? null : finalUrl, type];
}

function stateReason(state: OutcomeState): string {
  return state.at === "done" ? "ok" : state.reason;
}

function encodeOutcome({ lease, exchange }: JobOutcome): Buffer {
  const {
    status,
    finalUrl = lease.job.url,
    headers,
    body = emptyBody,
    attempts = [],
    error,
  } = exchange ?? {};
  const meta = {
    id: lease.job.id,
    url: finalUrl,
    ...(status === undefined ? {} : { status }),
    ...(headers === undefined ? {} : { headers }),
    attempts,
    ...(error === undefined ? {} : { error }),
  };
  return encodeRecord(meta, body);
}

function dropBody(outcome: JobOutcome): JobOutcome {
  if (outcome.exchange?.body === undefined) return outcome;
  const { body: _, ...exchange } = outcome.exchange;
  return { ...outcome, exchange };
}
