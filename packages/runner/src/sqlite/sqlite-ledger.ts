import type { DatabaseSync } from "node:sqlite";
import { closeSync, type Stats } from "node:fs";
import { type Clock, systemClock } from "@holdfast/policy";
import {
  createFile,
  type FileLock,
  type Folder,
  isSameFile,
  openDatabase,
} from "@holdfast/http/internal/files";
import { hostKey, type HostKey } from "../host/host-key.ts";
import { beginRun, endPause } from "../host/host-state.ts";
import { isRepeatable, type Job } from "../ledger/job.ts";
import {
  type ClaimOptions,
  type HostEnd,
  type JobLease,
  type JobOutcome,
  type Ledger,
  LedgerError,
  type RunInfo,
  type SavedHost,
  type StoredHost,
} from "../ledger/ledger.ts";
import type { ListReading, OtherList, PlanCounts, PlannedLine } from "../ledger/list-reading.ts";
import type { RunProxyStats } from "../ledger/proxy-stats.ts";
import { filterLines, type LineFilter } from "../ledger/where.ts";
import { compactSegments } from "./compact-segments.ts";
import { openAgain, PreviousResults, reopenFailed } from "./fetch-again.ts";
import { endHost } from "./host-end.ts";
import { Hosts, reviseHosts } from "./hosts.ts";
import { LinePlanner } from "./line-planner.ts";
import { checkIsKnownList, findList } from "./lists.ts";
import { OutcomeRecorder, readLastCommitted } from "./outcome-recorder.ts";
import { addedLines, ReachedRows } from "./reached-rows.ts";
import { queueRetryable, reopenFailedRows, resolveIntents, RowClaims } from "./row-claims.ts";
import {
  checkOwnFiles,
  createRunFolder,
  lockRunFolder,
  runFiles,
  type RunFolder,
  type RunModes,
  toRunModes,
  unusable,
} from "./run-folder.ts";
import { readDefaultBits, readRunInfo, writeRunValue } from "./run-table.ts";
import { checkFileVersion, checkSchema, isEmpty, prepareWriter } from "./schema.ts";
import { SegmentWriter } from "./segments.ts";
import { databasePath, type OpenLedger, SqliteLedgerReader } from "./sqlite-ledger-reader.ts";
import { commitShared, transaction, wrapErrors } from "./transaction.ts";

/** The options of a ledger that is opened for writing. */
export interface LedgerOptions {
  readonly clock?: Pick<Clock, "date">;
  /** Decides which lines belong to one host. @default hostKey */
  readonly hostKey?: HostKey;
}

/**
 * Opens the ledger of a directory for writing. Creates both when they do not exist, and repairs the state after a crash.
 *
 * @throws LedgerError when another live process holds the ledger, when it is damaged, or when another version wrote it.
 */
export function openLedger(directory: string, options: LedgerOptions = {}): Ledger {
  return wrapErrors(directory, () => {
    const run = createRunFolder(directory);
    try {
      return openIn(run, directory, options);
    } catch (error) {
      run.folder.close();
      throw error;
    }
  });
}

function openIn(
  { folder, defaultBits }: RunFolder,
  directory: string,
  { clock = systemClock, hostKey: toKey = hostKey }: LedgerOptions,
): Ledger {
  const path = databasePath(folder.path);
  checkOwnFiles(folder);
  const isNew = folder.lstat(runFiles.database) === undefined;
  if (!isNew) checkExisting(path);
  const modes = toRunModes(folder.stat().mode, defaultBits);
  const lock = lockRunFolder(folder, modes.file);
  let db: DatabaseSync | undefined;
  try {
    db = openOwnDatabase(folder, path, modes);
    if (isNew && defaultBits !== undefined) writeRunValue(db, "default-bits", defaultBits);
    return new SqliteLedger({ directory, folder, db, lock, clock, hostKey: toKey });
  } catch (error) {
    db?.close();
    lock.release("keep");
    throw error;
  }
}

/** Opens the database for writing, and creates it with these permissions. SQLite gives its other files the same ones. */
function openOwnDatabase(folder: Folder, path: string, modes: RunModes): DatabaseSync {
  if (folder.lstat(runFiles.database) === undefined)
    closeSync(createFile(folder, runFiles.database, modes.file));
  const before = folder.lstat(runFiles.database);
  const db = openDatabase(path);
  try {
    checkOpened(folder, before);
    prepareWriter(db, path);
    // SQLite opens its files by their paths: another user may have replaced one, or the folder, meanwhile.
    checkOpened(folder, before);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function checkOpened(folder: Folder, before: Stats | undefined): void {
  folder.confirm();
  checkOwnFiles(folder);
  if (!isSameFile(before, folder.lstat(runFiles.database)))
    throw unusable(folder, runFiles.database, "it was replaced by another process");
}

/** Rejects a ledger of another version before a connection that writes is opened, so that nothing in its folder changes. */
function checkExisting(path: string): void {
  if (checkFileVersion(path)) return;
  const db = openDatabase(path, { readOnly: true });
  try {
    if (!isEmpty(db)) checkSchema(db, path);
  } finally {
    db.close();
  }
}

interface OwnedLedger extends OpenLedger {
  readonly lock: FileLock;
  readonly clock: Pick<Clock, "date">;
  readonly hostKey: HostKey;
}

/** Databases that must not be closed, not even by the garbage collector. */
const abandonedDatabases: DatabaseSync[] = [];

class SqliteLedger extends SqliteLedgerReader implements Ledger {
  readonly #folder: Folder;
  readonly #lock: FileLock;
  readonly #hosts: Hosts;
  readonly #segments: SegmentWriter;
  readonly #planner: LinePlanner;
  readonly #claims: RowClaims;
  readonly #previous: PreviousResults;
  readonly #recorder: OutcomeRecorder;
  #added: ListReading | undefined;
  #writeError: LedgerError | undefined;

  constructor({ lock, clock, hostKey: toKey, ...open }: OwnedLedger) {
    super(open);
    const { db, folder } = open;
    resolveIntents(db, clock.date());
    queueRetryable(db);
    transaction(db, () => reviseHosts(db, (state) => beginRun(state, clock.date())));
    this.#folder = folder;
    this.#lock = lock;
    const defaultBits = readDefaultBits(db);
    this.#segments = new SegmentWriter({
      folder,
      modes: () => toRunModes(folder.stat().mode, defaultBits),
      committed: readLastCommitted(db),
    });
    const reached = new ReachedRows();
    this.#hosts = new Hosts(db);
    this.#planner = new LinePlanner(db, {
      reached,
      hosts: this.#hosts,
      hostKey: toKey,
      now: () => clock.date(),
    });
    this.#claims = new RowClaims(db, reached);
    this.#previous = new PreviousResults(db);
    this.#recorder = new OutcomeRecorder(db, {
      segments: this.#segments,
      hosts: this.#hosts,
      previous: this.#previous,
    });
  }

  plan(lines: readonly PlannedLine[]): PlanCounts {
    this.#added ??= this.startReading(undefined);
    return this.#added.plan(lines);
  }

  startReading(path: string | undefined, other: OtherList = "refuse"): ListReading {
    if (path !== undefined && other === "refuse")
      wrapErrors(this.path, () => checkIsKnownList(this.db, path));
    const list = path === undefined ? addedLines : this.#write(() => findList(this.db, path, other));
    const reading = this.#planner.startReading(list);
    return {
      plan: (lines) => this.#write(() => reading.plan(lines)),
      end: (isWhole) => this.#write(() => reading.end(isWhole)),
    };
  }

  readyHosts(now: number, max: number, except: ReadonlyMap<number, unknown>): readonly StoredHost[] {
    return wrapErrors(this.path, () => this.#hosts.ready(now, max, except));
  }

  nextWakeAt(now: number): number | undefined {
    return wrapErrors(this.path, () => this.#hosts.nextWakeAt(now));
  }

  claim(host: number, options: ClaimOptions): readonly JobLease[] {
    return wrapErrors(this.path, () =>
      this.#claims.claim(host, options).map((each) => this.#previous.withConditions(each)),
    );
  }

  putBack(leases: readonly JobLease[]): void {
    this.#claims.forget(leases);
  }

  nextDueAt(host: number): number | undefined {
    return wrapErrors(this.path, () => this.#claims.nextDueAt(host));
  }

  saveHost(host: SavedHost): void {
    this.#hosts.stage(host);
  }

  endHost(host: number, end: HostEnd): number {
    return this.#write(() => endHost(this.db, { host, ...end, leased: this.#claims.leasedOf(host) }));
  }

  recordIntent(jobs: readonly Job[]): void {
    this.#write(() => this.#claims.recordIntent(jobs));
  }

  release(leases: readonly JobLease[]): void {
    const withIntent = leases.filter(({ job }) => !isRepeatable(job));
    if (withIntent.length > 0) this.#write(() => this.#claims.release(withIntent));
  }

  record(outcome: JobOutcome): void {
    this.#write(() => this.#recorder.record(outcome));
  }

  commit(): void {
    this.#write(() => this.#claims.forget(this.#recorder.commit()));
  }

  reopenFailed(where?: LineFilter): void {
    const results = this.results();
    this.#write(() => {
      if (where === undefined) reopenFailedRows(this.db);
      else reopenFailed(this.db, filterLines(results, where));
      transaction(this.db, () => reviseHosts(this.db, endPause));
    });
  }

  openAgain(where: LineFilter | undefined, refresh: boolean): number {
    const results = filterLines(this.results(), where);
    this.#previous.added();
    return this.#write(() => openAgain(this.db, { results, refresh }));
  }

  compact(): number {
    return this.#write(() =>
      compactSegments({ db: this.db, folder: this.#folder, segments: this.#segments }),
    );
  }

  setRunInfo(info: RunInfo): void {
    this.#write(() => writeRunValue(this.db, "info", info));
  }

  setProxyStats(stats: readonly RunProxyStats[]): void {
    this.#write(() => writeRunValue(this.db, "proxy-stats", stats));
  }

  setProxySnapshot(snapshot: unknown): void {
    this.#write(() => writeRunValue(this.db, "proxy-snapshot", snapshot));
  }

  setProgramState(state: unknown): void {
    this.#write(() => writeRunValue(this.db, "program", state));
  }

  override runInfo(): RunInfo | undefined {
    return wrapErrors(this.path, () => readRunInfo(this.db));
  }

  override close(): void {
    this.#segments.close();
    try {
      if (this.#writeError === undefined) wrapErrors(this.path, () => commitShared(this.db));
      super.close();
    } finally {
      this.#lock.release("keep");
    }
  }

  protected override closeDatabase(): void {
    const path = this.#folder.findPath();
    if (path === this.#folder.path) {
      super.closeDatabase();
      return;
    }
    // SQLite removes its files by their paths, which lead to another folder now. The next run reads the files that stay.
    abandonedDatabases.push(this.db);
    throw new LedgerError(
      `${this.directory} was moved or replaced during the run: the results are in ${path ?? "the folder that was there before"}`,
      this.directory,
    );
  }

  // After a failed write, files and tables may disagree until the ledger is opened again: every later write must fail too.
  #write<T>(work: () => T): T {
    if (this.#writeError !== undefined) throw this.#writeError;
    try {
      return wrapErrors(this.path, work);
    } catch (error) {
      if (error instanceof LedgerError) this.#writeError = error;
      throw error;
    }
  }
}
