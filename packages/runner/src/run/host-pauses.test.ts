import assert from "node:assert/strict";
import { test } from "node:test";
import { earliest, HostPauses } from "./host-pauses.ts";

test("HostPauses returns a host once at its recheck time, and knows the end of its pause until then", () => {
  const pauses = new HostPauses();
  pauses.pause("a", 900, 500);
  pauses.pause("b", 700, 700);

  assert.deepEqual([pauses.nextRecheckAt, pauses.nextEndAt], [500, 700]);
  assert.deepEqual(pauses.takeDue(499), []);
  assert.deepEqual(pauses.takeDue(500), ["a"]);
  assert.deepEqual(pauses.takeDue(500), []);
  assert.deepEqual([pauses.nextRecheckAt, pauses.nextEndAt], [700, 700]);
  assert.deepEqual(pauses.takeDue(800), ["b"]);
  assert.deepEqual([pauses.nextRecheckAt, pauses.nextEndAt], [undefined, undefined]);
});

test("earliest ignores undefined times", () => {
  assert.equal(earliest([undefined, 3, 2]), 2);
  assert.equal(earliest([undefined]), undefined);
});
