import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostDeferrals } from "./host-deferrals.ts";

describe("HostDeferrals", () => {
  it("defers a host until the latest end", () => {
    const deferrals = new HostDeferrals();

    const changed = [deferrals.defer("a", 100), deferrals.defer("a", 50), deferrals.defer("a", 200)];

    assert.deepEqual(changed, [true, false, true]);
    assert.deepEqual(
      [deferrals.deferredUntil("a", 199), deferrals.deferredUntil("a", 200), deferrals.deferredUntil("b", 0)],
      [200, undefined, undefined],
    );
  });
});
