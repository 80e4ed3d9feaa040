import assert from "node:assert/strict";
import { it } from "node:test";
import { makeRunDirectory } from "../run-directory.ts";
import { type Open, claim, claimed, lines, outcome, post, states, sums, url } from "./support.ts";

/** The state after a crash. */
export function crashing(open: Open): void {
  it("hands out again the rows that were leased at a crash", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    first.plan(lines(1, 2));
    claim(first, 2);
    first.close();

    const again = open(directory);

    assert.deepEqual(claimed(again), [1, 2]);
    again.close();
  });

  it("reports an unsafe request that may have been executed as unknown, and never hands it out again", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    first.plan([post]);
    first.recordIntent(claim(first, 1).map(({ job }) => job));
    first.close();

    const again = open(directory);

    assert.deepEqual(states(again), ["1 unknown interrupted"]);
    assert.deepEqual(claimed(again), []);
    assert.ok(sums(again));
    again.close();
  });

  it("removes the intent of a request with an outcome, and of a released one", () => {
    const directory = makeRunDirectory();
    const first = open(directory);
    first.plan([post, { ...post, line: 2, url: url(2) }]);
    const leases = claim(first, 2);
    first.recordIntent(leases.map(({ job }) => job));
    first.record(outcome(leases[0], { at: "failed", reason: "refused", retryable: true }));
    first.commit();
    first.release(leases.slice(1));
    first.close();

    const again = open(directory);

    assert.deepEqual(states(again), ["1 failed refused", "2 pending"]);
    again.close();
  });
}
