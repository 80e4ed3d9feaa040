import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type OutcomeState, mayBeClaimed, nextRowState, type RowState, type RowStateInput } from "./state.ts";

const failed = (retryable: boolean): RowState => ({ at: "failed", reason: "r", retryable });
const deferred: OutcomeState = { at: "deferred", until: 100, deferrals: 1, reason: "r" };

const states: readonly RowState[] = [
  { at: "pending" },
  { at: "leased" },
  { at: "done" },
  failed(true),
  failed(false),
  deferred,
  { at: "unknown", reason: "r" },
  { at: "skipped", reason: "r" },
];

describe("nextRowState", () => {
  const table: readonly (readonly [RowStateInput, readonly RowState["at"][]])[] = [
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
    it(`returns the next state for ${JSON.stringify(input)}`, () => {
      assert.deepEqual(
        states.map((state) => nextRowState(state, input).at),
        expected,
      );
    });
  }

  it("leases a row exactly when mayBeClaimed is true", () => {
    for (const state of states.filter(({ at }) => at !== "leased")) {
      assert.equal(
        nextRowState(state, { type: "claimed", now: 100 }).at === "leased",
        mayBeClaimed(state, 100),
      );
    }
  });
});
