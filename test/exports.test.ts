import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { buildPackages } from "../scripts/build.ts";
import {
  findHiddenTypes,
  listedEntries,
  listExports,
  listFile,
  publicDeclarations,
  publicEntries,
  reachableFiles,
} from "../scripts/public-surface.ts";
import { pagesOfTypes, rowsOfTypes } from "../scripts/reference-of-types.ts";

const entries = publicEntries();

before(buildPackages);

for (const entry of listedEntries()) {
  test(`${entry.specifier} exports the names of its list in test/exports, and no other`, () => {
    // An entry that is only loaded, such as holdfast/register, exports nothing.
    const list = readFileSync(listFile(entry), "utf8")
      .split("\n")
      .filter((line) => line !== "");

    assert.deepEqual(listExports(entry), list, "to accept the difference: npm run exports");
  });
}

test("holdfast exports at most 60 values", () => {
  const [entry] = entries.filter(({ specifier }) => specifier === "holdfast");
  assert.ok(entry !== undefined);

  const values = listExports(entry).filter((line) => line.startsWith("value "));

  assert.ok(values.length <= 60, `${values.length} values`);
});

test("the subpaths of holdfast export everything that the other packages export", () => {
  const exportsAt = (...specifiers: readonly string[]): readonly string[] =>
    entries
      .filter(({ specifier }) => specifiers.includes(specifier))
      .flatMap((entry) => listExports(entry))
      .toSorted();
  const packages = entries.filter(({ specifier }) => /^@holdfast\/\w+$/.test(specifier));

  for (const { specifier } of packages)
    assert.deepEqual(exportsAt(specifier.slice(1)), exportsAt(specifier), specifier);
  assert.deepEqual(
    exportsAt("holdfast/testing"),
    exportsAt("@holdfast/policy/testing", "@holdfast/http/testing"),
  );
});

test("docs/reference has every export and every field of options, as the doc comments describe them", () => {
  for (const { path, text } of pagesOfTypes())
    assert.equal(readFileSync(path, "utf8"), text, "to update the pages: npm run exports");
});

test("every export and every field of options has a description", () => {
  const undescribed = rowsOfTypes().filter(({ meaning }) => meaning === "");

  assert.deepEqual(
    undescribed.map(({ name }) => name),
    [],
  );
});

test("every type in the signature of an export is exported too", () => {
  const isPublic = publicDeclarations(entries);

  const hidden = entries.flatMap((entry) => findHiddenTypes(entry, isPublic));

  assert.deepEqual(hidden, []);
});

for (const entry of entries) {
  test(`no declaration of ${entry.specifier} refers to an internal entry`, () => {
    const referring = [...reachableFiles(entry)].filter((file) =>
      /["'][^"'\n]*\/internal\b/.test(readFileSync(file, "utf8")),
    );

    assert.deepEqual(referring, []);
  });
}
