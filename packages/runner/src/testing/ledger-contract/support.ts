import assert from "node:assert/strict";
import type { JobLease, Ledger, JobOutcome } from "../../ledger/ledger.ts";
import type { PlannedLine } from "../../ledger/list-reading.ts";
import type { OutcomeState } from "../../ledger/state.ts";

/** Opens the ledger of a directory. */
export type Open = (directory: string) => Ledger;

/** The URL of number `n`. */
export const url = (n: number): string => `https://example.com/${n}`;

/** Returns planned GET lines with the given URL numbers. */
export function lines(...numbers: readonly number[]): PlannedLine[] {
  return numbers.map((n, index) => ({ kind: "job", line: index + 1, method: "GET", url: url(n) }));
}

/** A request that must not be sent twice. */
export const post: Extract<PlannedLine, { kind: "job" }> = {
  kind: "job",
  line: 1,
  method: "POST",
  url: url(1),
  request: { body: "x" },
};

/** Returns an outcome for a lease. */
export function outcome(
  lease: JobLease | undefined,
  state: OutcomeState = { at: "done" },
  body = "body",
): JobOutcome {
  assert.ok(lease !== undefined, "a lease was expected");
  const exchange = {
    status: 200,
    finalUrl: lease.job.url,
    headers: [["content-type", "text/plain"]] as const,
    body: Buffer.from(body),
    bytes: body.length,
    attempts: [{ number: 1 }],
    elapsed: 1,
  };
  return { lease, state, advice: "", exchange, at: 1_000 };
}

/** Claims rows of the only host that are due at `now`. */
export function claim(ledger: Ledger, max: number, now = 0): readonly JobLease[] {
  const [host] = ledger.readyHosts(now, 1, new Map());
  return host === undefined ? [] : ledger.claim(host.id, { now, max });
}

/** Claims rows and returns their lines. */
export function claimed(ledger: Ledger): number[] {
  return claim(ledger, 1_000).map(({ job }) => job.line);
}

/** Returns the line, state and reason of every row. */
export function states(ledger: Ledger): string[] {
  return [...ledger.results()].map(({ line, state, reason }) => `${line} ${state} ${reason}`.trim());
}

/** Returns whether the counts add up. */
export function sums(ledger: Ledger): boolean {
  const { lines: all, done, failed, skipped, unknown, waiting } = ledger.totals();
  return all === done + failed + skipped + unknown + waiting;
}
