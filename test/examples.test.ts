import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "./support/child.ts";

const root = join(import.meta.dirname, "..");
const examples = globSync("examples/**/*.ts", { cwd: root }).toSorted();

test("examples/ has at least ten programs", () => {
  assert.ok(examples.length >= 10, `${examples.length} found`);
});

for (const example of examples) {
  test(`${example} runs to its end and prints output`, async () => {
    const args = ["--conditions=source", join(root, example)];

    const { code, stdout, stderr } = await runProgram(process.execPath, args, { cwd: root, within: 60_000 });

    assert.equal(code, 0, stderr);
    assert.notEqual(stdout, "");
  });
}
