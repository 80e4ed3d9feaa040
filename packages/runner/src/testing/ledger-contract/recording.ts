import assert from "node:assert/strict";
import { it } from "node:test";
import type { OutcomeState } from "../../ledger/state.ts";
import { makeRunDirectory } from "../run-directory.ts";
import { type Open, claim, lines, outcome, states, sums, url } from "./support.ts";

/** Outcomes are kept. */
export function recording(open: Open): void {
  it("stores the status, headers and body of an exchange", () => {
    const ledger = open(makeRunDirectory());
    ledger.plan(lines(1));
    ledger.record(outcome(claim(ledger, 1)[0]));
    ledger.commit();

    const [result] = ledger.results();

    assert.ok(result?.body !== undefined);
    assert.equal(Buffer.from(result.body).toString(), "body");
    assert.deepEqual(result.headers, [["content-type", "text/plain"]]);
    const { state, reason, status, attempts, bytes, fetchedAt, contentType, finalUrl } = result;
    assert.deepEqual(
      { state, reason, status, attempts, bytes, fetchedAt, contentType, finalUrl },
      {
        state: "done",
        reason: "ok",
        status: 200,
        attempts: 1,
        bytes: 4,
        fetchedAt: 1_000,
        contentType: "text/plain",
        finalUrl: url(1),
      },
    );
    ledger.close();
  });

  it("records nothing before the commit", () => {
    const ledger = open(makeRunDirectory());
    ledger.plan(lines(1));

    ledger.record(outcome(claim(ledger, 1)[0]));

    assert.equal(ledger.totals().waiting, 1);
    ledger.commit();
    assert.equal(ledger.totals().done, 1);
    ledger.close();
  });
}

/** An outcome gives way only to a retry. */
export function recordingAgain(open: Open): void {
  it("keeps the first outcome of a row with a final outcome", () => {
    const ledger = open(makeRunDirectory());
    ledger.plan(lines(1));
    const [lease] = claim(ledger, 1);
    for (const state of [
      { at: "done" },
      { at: "failed", reason: "late", retryable: true },
      { at: "deferred", until: 1, deferrals: 1, reason: "late" },
    ] as const) {
      ledger.record(outcome(lease, state));
      ledger.commit();
    }

    assert.deepEqual(states(ledger), ["1 done ok"]);
    assert.equal(ledger.nextDueAt(1), undefined);
    ledger.close();
  });

  it("replaces a retried failure and adds up its attempts", () => {
    const ledger = open(makeRunDirectory());
    ledger.plan(lines(1));
    const [lease] = claim(ledger, 1);
    const passing: OutcomeState[] = [
      { at: "failed", reason: "http-503", retryable: true },
      { at: "deferred", until: 1, deferrals: 1, reason: "http-429" },
      { at: "failed", reason: "http-502", retryable: true },
      { at: "done" },
    ];

    for (const state of passing) {
      ledger.record(outcome(lease, state));
      ledger.commit();
      assert.ok(sums(ledger));
    }

    assert.deepEqual(states(ledger), ["1 done ok"]);
    assert.equal(ledger.totals().attempts, 4);
    ledger.close();
  });
}

/** Counts and groups. */
export function reporting(open: Open): void {
  it("groups rows that are not done by reason, with count, advice and the first lines, and adds up", () => {
    const ledger = open(makeRunDirectory());
    ledger.plan(lines(1, 2, 3, 4, 5, 6, 1));
    const leases = claim(ledger, 9);
    for (const lease of leases.slice(0, 4))
      ledger.record({
        ...outcome(lease, { at: "failed", reason: "http-404", retryable: false }),
        advice: "Check the URL",
      });
    ledger.record(outcome(leases[4], { at: "deferred", until: 9, deferrals: 1, reason: "http-429" }));
    ledger.commit();

    const [largest, ...others] = ledger.reasons();

    assert.deepEqual(largest, {
      state: "failed",
      reason: "http-404",
      advice: "Check the URL",
      count: 4,
      retryable: false,
      samples: [1, 2, 3].map((n) => ({ line: n, url: url(n) })),
    });
    assert.deepEqual(others.map(({ state, reason, count }) => `${state} ${reason} ${count}`).toSorted(), [
      "deferred http-429 1",
      "skipped duplicate 1",
    ]);
    assert.deepEqual(
      { ...ledger.totals(), bytes: 0 },
      {
        lines: 7,
        removed: 0,
        done: 0,
        failed: 4,
        skipped: 1,
        unknown: 0,
        waiting: 2,
        attempts: 5,
        bytes: 0,
        nextRetryAt: 9,
      },
    );
    ledger.close();
  });

  it("stores the information of a run", () => {
    const ledger = open(makeRunDirectory());
    assert.equal(ledger.runInfo(), undefined);

    ledger.setRunInfo({ startedAt: 1, elapsed: 2, status: "drained" });

    assert.deepEqual(ledger.runInfo(), { startedAt: 1, elapsed: 2, status: "drained" });
    ledger.close();
  });
}
