import type { DatabaseSync, StatementSync } from "node:sqlite";
import { newHost, type HostState } from "../host/host-state.ts";
import type { StoredHost, SavedHost } from "../ledger/ledger.ts";
import { readNumber, readText, type SqlRow } from "./row.ts";

/** A host that serves may only wait until its next line is due, which does not concern a new line. */
const wakeServing = "wake_at = CASE WHEN standing = 'serving' THEN 0 ELSE coalesce(wake_at, 0) END";

/** Wakes every host with a line that is due immediately. */
export const wakeHostsSql: string = `
  UPDATE host SET ${wakeServing}
  WHERE (wake_at IS NULL OR wake_at > 0) AND EXISTS (SELECT 1 FROM queue WHERE host = host.id AND due = 0)`;

/** The hosts that the planner has seen lately: lines of one host often follow each other. */
const maxKnownHosts = 4_096;

/** The rows of hosts: their ids, their states, and when each may get a request again. */
export class Hosts {
  readonly #selectDue: StatementSync;
  readonly #selectAwake: StatementSync;
  readonly #selectNext: StatementSync;
  readonly #wake: StatementSync;
  readonly #save: StatementSync;
  /** The ids of hosts whose `wake_at` is known to be 0. */
  readonly #awake = new Map<string, number>();
  #staged = new Map<number, SavedHost>();

  constructor(db: DatabaseSync) {
    this.#selectDue = db.prepare(
      "SELECT id, key, state FROM host WHERE wake_at > 0 AND wake_at <= ? ORDER BY wake_at, id LIMIT ?",
    );
    this.#selectAwake = db.prepare("SELECT id, key, state FROM host WHERE wake_at = 0 ORDER BY id LIMIT ?");
    this.#selectNext = db.prepare("SELECT min(wake_at) AS at FROM host WHERE wake_at > ?");
    this.#wake = db.prepare(`
      INSERT INTO host (key, wake_at) VALUES (?, 0)
      ON CONFLICT (key) DO UPDATE SET ${wakeServing} RETURNING id`);
    // The planner may have added lines since the host was found to have none.
    this.#save = db.prepare(`
      UPDATE host SET standing = ?2, state = ?3,
        wake_at = coalesce(?4, CASE WHEN EXISTS (SELECT 1 FROM queue WHERE host = ?1) THEN 0 END)
      WHERE id = ?1`);
  }

  /** Returns the id of a host that has a line to fetch. */
  wake(key: string): number {
    const known = this.#awake.get(key);
    if (known !== undefined) return known;
    const id = readNumber(this.#wake.get(key), "id");
    if (this.#awake.size >= maxKnownHosts) this.#awake.clear();
    this.#awake.set(key, id);
    return id;
  }

  /** Returns up to `max` hosts that may get requests at `now`, without those in `except`: first those that waited. */
  ready(now: number, max: number, except: ReadonlyMap<number, unknown>): readonly StoredHost[] {
    const limit = max + except.size;
    const rows = [...this.#selectDue.all(now, limit), ...this.#selectAwake.all(limit)];
    return rows
      .map(toStoredHost)
      .filter(({ id }) => !except.has(id) && !this.#staged.has(id))
      .slice(0, max);
  }

  /** Returns when the next host that waits at `now` may get a request; undefined when none waits. */
  nextWakeAt(now: number): number | undefined {
    const staged = [...this.#staged.values()].flatMap(({ wakeAt = 0 }) => (wakeAt > now ? [wakeAt] : []));
    const stored = this.#selectNext.get(now)?.["at"];
    const times = typeof stored === "number" ? [stored, ...staged] : staged;
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Stages the state of a host for the next commit. */
  stage(host: SavedHost): void {
    this.#staged.set(host.id, host);
  }

  /** Writes the staged states, within a transaction. */
  write(): void {
    for (const { id, key, state, wakeAt } of this.#staged.values()) {
      this.#save.run(
        id,
        state.standing.at,
        JSON.stringify(state),
        wakeAt === undefined ? null : Math.ceil(wakeAt),
      );
      if (wakeAt !== 0) this.#awake.delete(key);
    }
    this.#staged = new Map();
  }

  get hasStaged(): boolean {
    return this.#staged.size > 0;
  }
}

/** Changes the states of all hosts that do not serve, at the start of a run. */
export function reviseHosts(db: DatabaseSync, revise: (state: HostState) => HostState): void {
  const update = db.prepare("UPDATE host SET standing = ?, state = ?, wake_at = ? WHERE id = ?");
  for (const row of db.prepare("SELECT id, key, state FROM host WHERE standing <> 'serving'").all()) {
    const { id, state } = toStoredHost(row);
    const revised = revise(state);
    if (revised === state) continue;
    update.run(revised.standing.at, JSON.stringify(revised), 0, id);
  }
}

function toStoredHost(row: SqlRow): StoredHost {
  const state = row["state"] === null ? newHost : parseState(readText(row, "state"));
  return { id: readNumber(row, "id"), key: readText(row, "key"), state };
}

function parseState(text: string): HostState {
  const state: unknown = JSON.parse(text);
  return isState(state) ? state : newHost;
}

// A few fields are enough: only this program writes the column, and the version of the ledger covers it.
function isState(value: unknown): value is HostState {
  return typeof value === "object" && value !== null && "standing" in value && "pace" in value;
}
