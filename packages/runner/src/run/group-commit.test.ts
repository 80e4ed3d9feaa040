import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FakeClock, fakeClock } from "@holdfast/policy/testing";
import { GroupCommit, groupSize } from "./group-commit.ts";
import type { JobLease, JobOutcome } from "../ledger/ledger.ts";

const lease: JobLease = {
  job: { id: 1, line: 1, method: "GET", url: "http://a/" },
  host: 1,
  from: "pending",
  deferrals: 0,
};

function makeOutcome(bytes: number): JobOutcome {
  return { lease, state: { at: "done" }, advice: "", at: 0, exchange: { attempts: [], bytes, elapsed: 0 } };
}

/** Makes a GroupCommit that records the size and time of each commit. */
function makeCommits(clock: FakeClock): { readonly commits: GroupCommit; readonly groups: string[] } {
  const groups: string[] = [];
  const commits = new GroupCommit({
    ledger: { record: () => {}, commit: () => {} },
    clock,
    onCommitted: (outcomes) => groups.push(`${outcomes.length} at ${clock.now()}`),
    onError: (error) => groups.push(String(error)),
  });
  return { commits, groups };
}

describe("GroupCommit", () => {
  it("commits a full group immediately", () => {
    const { commits, groups } = makeCommits(fakeClock({ autoAdvance: false }));

    for (let n = 0; n < groupSize + 1; n += 1) commits.add(makeOutcome(1));

    assert.deepEqual(groups, [`${groupSize} at 0`]);
  });

  it("commits a partial group 20 ms after its first outcome", async () => {
    const clock = fakeClock({ autoAdvance: false });
    const { commits, groups } = makeCommits(clock);
    await clock.advance(5);

    commits.add(makeOutcome(1));
    await clock.advance(10);
    commits.add(makeOutcome(1));
    await clock.advance(100);

    assert.deepEqual(groups, ["2 at 25"]);
  });

  it("commits early when the bodies are large", () => {
    const { commits, groups } = makeCommits(fakeClock({ autoAdvance: false }));

    for (let n = 0; n < 4; n += 1) commits.add(makeOutcome(9_000_000));

    assert.deepEqual(groups, ["2 at 0", "2 at 0"]);
  });

  it("passes the error of a background commit to onError", async () => {
    const clock = fakeClock({ autoAdvance: false });
    const failures: unknown[] = [];
    const full = new Error("disk full");
    const commit = (): void => {
      throw full;
    };
    const commits = new GroupCommit({
      ledger: { record: () => {}, commit },
      clock,
      onCommitted: () => {},
      onError: (error) => failures.push(error),
    });

    commits.add(makeOutcome(1));
    await clock.advance(20);

    assert.deepEqual(failures, [full]);
  });
});
