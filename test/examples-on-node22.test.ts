import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { before, test } from "node:test";
import { buildPackages } from "../scripts/build.ts";
import { runProgram } from "./support/child.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const root = join(import.meta.dirname, "..");
const node22 = join(import.meta.dirname, "platforms/nodes/node_modules/node22/bin/node");
const pages = globSync(["README.md", "docs/tutorial/*.md"], { cwd: root }).toSorted();

// npm has one package per Node version and system. platforms/nodes installs those for linux x64.
const skip =
  (process.platform !== "linux" || process.arch !== "x64") && "needs the Node 22 that npm has for linux x64";

before(buildPackages);

for (const page of pages) {
  test(`Node 22 without a compiler parses every block of code of ${page}`, { skip }, async () => {
    await using directory = await temporaryDirectory("blocks");
    const text = await readFile(join(root, page), "utf8");

    for (const [, code = ""] of text.matchAll(/^```(?:ts|js)\n([\s\S]*?)^```/gm)) {
      const file = join(directory.path, "block.mjs");
      await writeFile(file, stripTypeScriptTypes(code));
      const { code: exitCode, stderr } = await runProgram(node22, ["--check", file]);
      assert.equal(exitCode, 0, stderr);
    }
  });
}

test("the program of the tutorial runs on Node 22 with the built packages", { skip }, async () => {
  const program = join(root, "examples/tutorial/first-script.ts");
  const { NODE_OPTIONS: _options, ...env } = process.env;

  const { code, stdout, stderr } = await runProgram(node22, [program], { cwd: root, env, within: 60_000 });

  assert.equal(code, 0, stderr);
  assert.match(stdout, /200 \{ name: 'Ada' \}[\s\S]*201 after 2 attempts/);
});
