import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { filesOfAGet, mostFiles } from "../scripts/files-of-a-get.ts";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs", "internals", "architecture.md"), "utf8");

/** Returns the paths of the page that stand in code: from the root, or, without `packages/`, in the http package. */
function namedFiles(): readonly string[] {
  const paths = [...page.matchAll(/`([\w./-]+\.ts)`/g)].map(([, path = ""]) => path);
  return paths.map((path) => (/^(?:packages|scripts)\//.test(path) ? path : `packages/http/src/${path}`));
}

test("every file that the architecture page names exists", () => {
  const files = namedFiles();

  assert.deepEqual(
    files.filter((file) => !existsSync(join(root, file))),
    [],
  );
  assert.ok(files.length > 20, `The page names ${files.length} files`);
});

test("the architecture page names the file of each step, and the file declares it", () => {
  const steps = [...page.matchAll(/^\| `([\w.]+)` \|.*\| `(packages\/[\w./-]+)` \|$/gm)];

  for (const [, step = "", file = ""] of steps) {
    const source = readFileSync(join(root, file), "utf8");
    for (const name of step.split("."))
      assert.match(source, new RegExp(String.raw`(?:class|function|async|^ {2})\s*${name}\b`, "m"), step);
  }
  assert.ok(steps.length > 15, `The page has ${steps.length} steps`);
});

test("every step of the diagram has a row in the table", () => {
  const nodes = [...page.matchAll(/\["([\w.]+)"\]/g)].map(([, name = ""]) => name);

  for (const name of nodes) assert.ok(page.includes(`| \`${name}\` |`), name);
  assert.ok(nodes.length > 10, `The diagram has ${nodes.length} steps`);
});

test("a warm GET runs functions of few files, and the page names the first ones", () => {
  const files = filesOfAGet();

  assert.ok(files.length <= mostFiles, files.join("\n"));
  for (const file of ["session/session.ts", "call/call-runner.ts", "call/call.ts", "adapter/adapter.ts"])
    assert.ok(files.includes(`packages/http/src/${file}`), file);
});
