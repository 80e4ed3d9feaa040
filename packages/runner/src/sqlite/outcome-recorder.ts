import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { countNewAttempts, type JobLease, type JobOutcome, type RecordedExchange } from "../ledger/ledger.ts";
import type { OutcomeState } from "../ledger/state.ts";
import type { PreviousResults } from "./fetch-again.ts";
import type { Hosts } from "./hosts.ts";
import { encodeRecord } from "./record.ts";
import { readNumber } from "./row.ts";
import type { CommittedSegment, RecordLocation, SegmentWriter } from "./segments.ts";
import { transaction } from "./transaction.ts";

interface StagedOutcome {
  readonly outcome: JobOutcome;
  readonly location: RecordLocation | undefined;
}

// In characters. The complete header is in the record of the body.
const maxContentType = 256;
const maxValidator = 1_024;

const emptyBody = new Uint8Array();

/** What a recorder writes to apart from the tables of outcomes. */
interface RecorderParts {
  readonly segments: SegmentWriter;
  readonly hosts: Hosts;
  readonly previous: PreviousResults;
}

/** Records outcomes in groups: first the bodies reach the disk, then one transaction records the states. */
export class OutcomeRecorder {
  readonly #db: DatabaseSync;
  readonly #segments: SegmentWriter;
  readonly #hosts: Hosts;
  readonly #previous: PreviousResults;
  readonly #upsertOutcome: StatementSync;
  readonly #upsertDeferral: StatementSync;
  readonly #deleteFailure: StatementSync;
  readonly #deleteDeferral: StatementSync;
  readonly #deleteQueued: StatementSync;
  readonly #insertQueued: StatementSync;
  readonly #deleteIntent: StatementSync;
  readonly #insertAdvice: StatementSync;
  readonly #upsertSegment: StatementSync;
  readonly #reasonsWithAdvice = new Set<string>();
  #staged: StagedOutcome[] = [];

  constructor(db: DatabaseSync, { segments, hosts, previous }: RecorderParts) {
    this.#db = db;
    this.#segments = segments;
    this.#hosts = hosts;
    this.#previous = previous;
    this.#upsertOutcome = db.prepare(`
      INSERT INTO outcome (id, state, reason, retryable, recorded_at, attempts, status, bytes, elapsed, final_url,
        content_type, etag, last_modified, segment, record_offset, record_length)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6 + coalesce((SELECT attempts FROM deferral WHERE id = ?1), 0), ?7, ?8, ?9, ?10,
        ?11, ?12, ?13, ?14, ?15, ?16)
      ON CONFLICT (id) DO UPDATE SET state = excluded.state, reason = excluded.reason, retryable = excluded.retryable,
        status = excluded.status, attempts = outcome.attempts + excluded.attempts, bytes = excluded.bytes,
        elapsed = excluded.elapsed, recorded_at = excluded.recorded_at, final_url = excluded.final_url,
        content_type = excluded.content_type, etag = excluded.etag, last_modified = excluded.last_modified, segment = excluded.segment, record_offset = excluded.record_offset,
        record_length = excluded.record_length
      WHERE outcome.retryable = 1`);
    this.#upsertDeferral = db.prepare(`
      INSERT INTO deferral (id, until, deferrals, attempts, reason, continuation)
      SELECT ?1, ?2, ?3, ?4 + coalesce((SELECT attempts FROM outcome WHERE id = ?1), 0), ?5, ?6
      WHERE NOT EXISTS (SELECT 1 FROM outcome WHERE id = ?1 AND retryable = 0)
      ON CONFLICT (id) DO UPDATE SET until = excluded.until, deferrals = excluded.deferrals,
        attempts = deferral.attempts + excluded.attempts, reason = excluded.reason,
        continuation = excluded.continuation`);
    this.#deleteFailure = db.prepare("DELETE FROM outcome WHERE id = ? AND retryable = 1");
    this.#deleteDeferral = db.prepare("DELETE FROM deferral WHERE id = ?");
    this.#deleteQueued = db.prepare(
      "DELETE FROM queue WHERE host = ?1 AND id = ?2 AND due = coalesce((SELECT until FROM deferral WHERE id = ?2), 0)",
    );
    this.#insertQueued = db.prepare("INSERT INTO queue SELECT ?, until, id FROM deferral WHERE id = ?");
    this.#deleteIntent = db.prepare("DELETE FROM intent WHERE id = ?");
    this.#insertAdvice = db.prepare(
      "INSERT INTO advice (reason, advice) VALUES (?, ?) ON CONFLICT DO NOTHING",
    );
    this.#upsertSegment = db.prepare(`
      INSERT INTO segment (id, committed_bytes) VALUES (?, ?)
      ON CONFLICT DO UPDATE SET committed_bytes = excluded.committed_bytes`);
  }

  /** Stages an outcome. Compresses its body immediately, so that a commit is short and only compressed bodies wait for it. */
  record(outcome: JobOutcome): void {
    const { exchange, lease, state } = outcome;
    const isConfirmed = this.#previous.isConfirmed(lease.job.id, exchange?.status);
    const hasRecord = exchange !== undefined && state.at !== "deferred" && !isConfirmed;
    const location = hasRecord ? this.#segments.append(encodeOutcome(outcome)) : undefined;
    this.#staged.push({ outcome: dropBody(outcome), location });
  }

  /** Writes the staged outcomes and hosts, and returns the leases that ended. */
  commit(): readonly JobLease[] {
    const staged = this.#staged;
    if (staged.length === 0 && !this.#hosts.hasStaged) return [];
    this.#segments.sync();
    transaction(this.#db, () => {
      for (const each of staged) this.#write(each);
      const { segment, length } = this.#segments.end;
      this.#upsertSegment.run(segment, length);
      // Last, because it looks at the queue.
      this.#hosts.write();
    });
    this.#staged = [];
    return staged.map(({ outcome }) => outcome.lease);
  }

  #write({ outcome, location }: StagedOutcome): void {
    const { id } = outcome.lease.job;
    const { state } = outcome;
    this.#deleteQueued.run(outcome.lease.host, id);
    if (state.at === "deferred") this.#writeDeferral(outcome, state);
    else {
      this.#writeOutcome(outcome, location);
      this.#previous.finish(id, {
        isConfirmed: this.#previous.isConfirmed(id, outcome.exchange?.status),
        isRetryable: state.at === "failed" && state.retryable,
      });
      this.#deleteDeferral.run(id);
    }
    this.#deleteIntent.run(id);
    if (outcome.advice !== "") this.#writeAdvice(stateReason(state), outcome.advice);
  }

  #writeDeferral(
    { lease, exchange, continuation = lease.continuation }: JobOutcome,
    state: OutcomeState & { at: "deferred" },
  ): void {
    this.#upsertDeferral.run(
      lease.job.id,
      Math.ceil(state.until),
      state.deferrals,
      countNewAttempts(exchange),
      state.reason,
      continuation === undefined ? null : JSON.stringify(continuation),
    );
    this.#deleteFailure.run(lease.job.id);
    this.#insertQueued.run(lease.host, lease.job.id);
  }

  #writeOutcome(outcome: JobOutcome, location: RecordLocation | undefined): void {
    const { lease, state, at } = outcome;
    const retryable = state.at === "failed" && state.retryable ? 1 : 0;
    const locationColumns =
      location === undefined ? [null, null, null] : [location.segment, location.offset, location.length];
    this.#upsertOutcome.run(
      lease.job.id,
      state.at,
      stateReason(state),
      retryable,
      Math.round(at),
      ...exchangeColumns(outcome),
      ...locationColumns,
    );
  }

  #writeAdvice(reason: string, advice: string): void {
    if (this.#reasonsWithAdvice.has(reason)) return;
    this.#insertAdvice.run(reason, advice);
    this.#reasonsWithAdvice.add(reason);
  }
}

/** Returns how much of the last segment was committed; undefined in a new ledger. */
export function readLastCommitted(db: DatabaseSync): CommittedSegment | undefined {
  const row = db.prepare("SELECT id, committed_bytes FROM segment ORDER BY id DESC LIMIT 1").get();
  if (row === undefined) return undefined;
  return { segment: readNumber(row, "id"), length: readNumber(row, "committed_bytes") };
}

function exchangeColumns({ lease, exchange }: JobOutcome): SQLInputValue[] {
  if (exchange === undefined) return [0, null, 0, null, null, null, null, null];
  const { status = null, bytes, elapsed, finalUrl = lease.job.url, headers = [] } = exchange;
  const contentType = findHeader(headers, "content-type")?.slice(0, maxContentType) ?? null;
  const shownUrl = finalUrl === lease.job.url ? null : finalUrl;
  const validators = ["etag", "last-modified"].map((name) =>
    status === 200 ? toValidator(headers, name) : null,
  );
  return [countNewAttempts(exchange), status, bytes, elapsed, shownUrl, contentType, ...validators];
}

type Headers = NonNullable<RecordedExchange["headers"]>;

function findHeader(headers: Headers, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1];
}

/** Returns a validator with which the server can be asked whether the body is still the same. A long one is of no use. */
function toValidator(headers: Headers, name: string): string | null {
  const value = findHeader(headers, name);
  return value === undefined || value.length > maxValidator ? null : value;
}

function stateReason(state: OutcomeState): string {
  return state.at === "done" ? "ok" : state.reason;
}

function encodeOutcome({ lease, exchange }: JobOutcome): Iterable<Buffer> {
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
