import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostHolds } from "./host-holds.ts";

describe("HostHolds", () => {
  it("holds a host until the latest end", () => {
    const holds = new HostHolds();

    const changed = [holds.hold("a", 100), holds.hold("a", 50), holds.hold("a", 200)];

    assert.deepEqual(changed, [true, false, true]);
    assert.deepEqual(
      [holds.heldUntil("a", 199), holds.heldUntil("a", 200), holds.heldUntil("b", 0)],
      [200, undefined, undefined],
    );
  });
});
