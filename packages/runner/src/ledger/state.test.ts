import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Ended, mayBeClaimed, next, type State, type StateInput } from "./state.ts";

const failed = (retryable: boolean): State => ({ at: "failed", reason: "r", retryable });
const deferred: Ended = { at: "deferred", until: 100, rounds: 1, reason: "r" };

const states: readonly State[] = [
  { at: "pending" },
  { at: "leased" },
  { at: "done" },
  failed(true),
  failed(false),
  deferred,
  { at: "unknown", reason: "r" },
  { at: "skipped", reason: "r" },
];

describe("state of a row", () => {
  const table: readonly (readonly [StateInput, readonly State["at"][]])[] = [
    [
      { type: "claimed", now: 99 },
      ["leased", "leased", "done", "leased", "failed", "deferred", "unknown", "skipped"],
    ],
    [
      { type: "claimed", now: 100 },
      ["leased", "leased", "done", "leased", "failed", "leased", "unknown", "skipped"],
    ],
    [
      { type: "finished", state: { at: "done" } },
      ["pending", "done", "done", "failed", "failed", "deferred", "unknown", "skipped"],
    ],
    [
      { type: "finished", state: deferred },
      ["pending", "deferred", "done", "failed", "failed", "deferred", "unknown", "skipped"],
    ],
    [
      { type: "released" },
      ["pending", "pending", "done", "failed", "failed", "deferred", "unknown", "skipped"],
    ],
    [
      { type: "owner-died", mayHaveBeenExecuted: false },
      ["pending", "pending", "done", "failed", "failed", "deferred", "unknown", "skipped"],
    ],
    [
      { type: "owner-died", mayHaveBeenExecuted: true },
      ["pending", "unknown", "done", "failed", "failed", "deferred", "unknown", "skipped"],
    ],
  ];
  for (const [input, expected] of table) {
    it(`goes where it should on ${JSON.stringify(input)}`, () => {
      assert.deepEqual(
        states.map((state) => next(state, input).at),
        expected,
      );
    });
  }

  it("may be claimed exactly when claiming leases it", () => {
    for (const state of states.filter(({ at }) => at !== "leased")) {
      assert.equal(next(state, { type: "claimed", now: 100 }).at === "leased", mayBeClaimed(state, 100));
    }
  });
});
