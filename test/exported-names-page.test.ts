import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

/** The generated page, which has every name. */
const namesPage = join("docs", "reference", "names.md");

/** Returns the words in the code of the pages that `npm run exports` does not write. */
function wordsOfWrittenPages(): ReadonlySet<string> {
  const paths = globSync(["README.md", "docs/**/*.md"], { cwd: root, exclude: ["docs/internals/**"] });
  const written = paths.filter(
    (path) => path !== namesPage && !path.endsWith(join("reference", "options.md")),
  );
  const code = written.flatMap((path) =>
    readFileSync(join(root, path), "utf8").match(/```[\s\S]*?```|`[^`\n]+`/g),
  );
  return new Set(code.flatMap((text) => text?.match(/\w+/g) ?? []));
}

function exportsIn(list: string): readonly { readonly kind: string; readonly name: string }[] {
  return readFileSync(join(root, list), "utf8")
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" "))
    .map(([kind = "", name = ""]) => ({ kind, name }));
}

const written = wordsOfWrittenPages();
const listed = readFileSync(join(root, namesPage), "utf8");

for (const list of globSync("test/exports/*.txt", { cwd: root }).toSorted()) {
  test(`docs/reference/names.md has every name of ${list}`, () => {
    const missing = exportsIn(list).filter(({ name }) => !listed.includes(`| \`${name}\` |`));

    assert.deepEqual(missing, [], "to update the page: npm run exports");
  });

  test(`a page explains every function, class and value of ${list}`, () => {
    const missing = exportsIn(list).filter(({ kind, name }) => kind === "value" && !written.has(name));

    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
  });
}
