import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import * as http from "holdfast/http";
import * as policy from "holdfast/policy";
import * as runner from "holdfast/runner";

type ErrorClass = abstract new (...args: never[]) => Error;

const root = join(import.meta.dirname, "..");
const page = await readFile(join(root, "docs", "reference", "errors.md"), "utf8");
const sources = await Promise.all(
  [
    "policy/src/core/errors.ts",
    "http/src/errors/transport-errors.ts",
    "http/src/errors/file-errors.ts",
    "http/src/model/response.ts",
    "http/src/session/errors.ts",
    "runner/src/ledger/ledger.ts",
    "runner/src/input/list-error.ts",
  ].map((path) => readFile(join(root, "packages", path), "utf8")),
);

/** Returns the classes in the tree of the page, each with its parent and its code. */
function drawn(): Map<string, { parent: string; code: string | undefined }> {
  const tree = new Map<string, { parent: string; code: string | undefined }>();
  const above: string[] = ["Error"];
  for (const line of page.split("\n")) {
    const [, indent = "", name, rest = ""] = /^([│├└─ ]*)([A-Z]\w+Error)\b(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const depth = indent.length / 3 + 1;
    above[depth] = name;
    tree.set(name, { parent: above[depth - 1] ?? "", code: /ERR_\w+/.exec(rest)?.[0] });
  }
  return tree;
}

const everything: readonly [string, unknown][] = Object.entries({ ...policy, ...http, ...runner });
const exported = everything.filter(
  (entry): entry is [string, ErrorClass] =>
    entry[1] === policy.HoldfastError ||
    (typeof entry[1] === "function" && entry[1].prototype instanceof policy.HoldfastError),
);

test("docs/reference/errors.md draws every exported error class, and no other", () => {
  assert.deepEqual([...drawn().keys()].toSorted(), exported.map(([name]) => name).toSorted());
});

for (const [name, { parent, code }] of drawn()) {
  test(`${name} is a ${parent}${code === undefined ? "" : ` with the code ${code}`}, as in docs/reference/errors.md`, () => {
    const found = exported.find(([own]) => own === name)?.[1];

    assert.equal((Object.getPrototypeOf(found) as { name?: string }).name, parent);
    const declaration = new RegExp(`class ${name} extends ${parent} \\{[^}]*?readonly code = "(\\w+)"`);
    const declared = sources
      .map((source) => declaration.exec(source)?.[1])
      .find((match) => match !== undefined);
    assert.equal(declared, code);
  });
}
