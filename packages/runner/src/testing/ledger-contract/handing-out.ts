import assert from "node:assert/strict";
import { it } from "node:test";
import { makeRunDirectory } from "../run-directory.ts";
import { type Open, claim, claimed, lines, outcome, post, url } from "./support.ts";

/** Rows are handed out once. */
export function handingOut(open: Open): void {
  it("hands out each row once, in order, and new rows as they are planned", () => {
    const ledger = open(makeRunDirectory());
    ledger.plan(lines(1, 2, 3));

    const windows = [claim(ledger, 2), claim(ledger, 2), claim(ledger, 2)].map((leases) =>
      leases.map(({ job }) => job.id),
    );
    ledger.plan(lines(1, 2, 3, 4));

    assert.deepEqual(windows, [[1, 2], [3], []]);
    assert.deepEqual(
      claim(ledger, 9).map(({ job }) => job.url),
      [url(4)],
    );
    ledger.close();
  });

  it("hands out the whole request of a job", () => {
    const ledger = open(makeRunDirectory());
    const request = { headers: { a: "b" }, body: "x", idempotencyKey: "k" };
    ledger.plan([{ ...post, request }]);

    const [lease] = claim(ledger, 1);

    assert.deepEqual(lease, {
      job: { id: 1, line: 1, method: "POST", url: url(1), request },
      host: 1,
      from: "pending",
      deferrals: 0,
    });
    ledger.close();
  });

  it("hands out a deferred row when it is due, not before, and only once", () => {
    const ledger = open(makeRunDirectory());
    ledger.plan(lines(1, 2));
    const [first] = claim(ledger, 9);
    ledger.record(outcome(first, { at: "deferred", until: 5_000, deferrals: 1, reason: "http-429" }));
    ledger.commit();

    const due = [4_999, 5_000, 5_000].map((now) =>
      claim(ledger, 9, now).map(({ job, from, deferrals }) => ({ id: job.id, from, deferrals })),
    );

    assert.deepEqual(due, [[], [{ id: 1, from: "deferred", deferrals: 1 }], []]);
    ledger.close();
  });
}

/** Deferred and failed rows are handed out again. */
export function handingOutLater(open: Open): void {
  it("returns when the next deferred row is due", () => {
    const ledger = open(makeRunDirectory());
    ledger.plan(lines(1, 2));
    assert.equal(ledger.nextDueAt(1), 0);
    const [first, second] = claim(ledger, 9);
    assert.equal(ledger.nextDueAt(1), undefined);
    ledger.record(outcome(first, { at: "deferred", until: 7_000, deferrals: 1, reason: "x" }));
    ledger.record(outcome(second, { at: "deferred", until: 6_000, deferrals: 1, reason: "x" }));
    ledger.commit();

    assert.equal(ledger.nextDueAt(1), 6_000);
    assert.equal(ledger.totals().nextRetryAt, 6_000);
    claim(ledger, 1, 6_000);
    assert.equal(ledger.nextDueAt(1), 7_000);
    ledger.close();
  });

  it("hands a deferred row out in a later run only when it is due", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    first.plan(lines(1));
    first.record(outcome(claim(first, 1)[0], { at: "deferred", until: 5_000, deferrals: 2, reason: "x" }));
    first.commit();
    first.close();

    const again = open(directory);

    assert.deepEqual([claim(again, 9), claim(again, 9, 4_999)], [[], []]);
    assert.deepEqual(
      claim(again, 9, 5_000).map(({ deferrals }) => deferrals),
      [2],
    );
    again.close();
  });

  it("hands out retryable failures in a later run, and no row with a final outcome", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    first.plan(lines(1, 2, 3, 4));
    const [a, b, c] = claim(first, 3);
    first.record(outcome(a));
    first.record(outcome(b, { at: "failed", reason: "http-503", retryable: true }));
    first.record(outcome(c, { at: "failed", reason: "http-404", retryable: false }));
    first.commit();
    first.close();

    const again = open(directory);

    assert.deepEqual(
      claim(again, 9).map(({ job, from }) => `${job.line} ${from}`),
      ["2 failed", "4 pending"],
    );
    again.close();
    const forced = open(directory);
    forced.reopenFailed();
    assert.deepEqual(claimed(forced), [2, 3, 4]);
    forced.close();
  });
}
