import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { readLosses, unexpectedLosses } from "./conformance/fetch.ts";
import { knownLosses } from "./conformance/known-losses.ts";

const output = `  10 passed,   0 failed  /fetch/a.any.js
   9 passed,   2 failed, 2 LOST  /fetch/b.any.js
       - first test  (assert_equals: expected 1)
       - and 1 that did not run
against the platform's own fetch on Node 24.21.0: 2 lost, 0 won
19 passed, 2 failed
`;

test("conformance:fetch reads the lost tests from the output of the harness", () => {
  assert.deepEqual(readLosses(output), [
    { file: "/fetch/b.any.js", test: "first test  (assert_equals: expected 1)" },
    { file: "/fetch/b.any.js", test: "and 1 that did not run" },
  ]);
});

test("conformance:fetch accepts only the losses that its list names", () => {
  const known = [{ file: "b.any.js", test: "first test", reason: "a reason" }];

  assert.deepEqual(unexpectedLosses(readLosses(output), known), [
    { file: "/fetch/b.any.js", test: "and 1 that did not run" },
  ]);
});

test("the list of known losses has at most five, each with its reason", () => {
  assert.ok(knownLosses.length <= 5);
  for (const { reason } of knownLosses) assert.notEqual(reason, "");
});

test("conformance:fetch ends with 2 without its harness", () => {
  const { FETCH_CONFORMANCE: _, ...env } = process.env;
  const program = join(import.meta.dirname, "conformance/fetch.ts");

  const { status, stderr } = spawnSync(process.execPath, ["--conditions=source", program], {
    env,
    encoding: "utf8",
  });

  assert.equal(status, 2);
  assert.match(stderr, /set FETCH_CONFORMANCE/);
});
