import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HttpResponse, Session } from "holdfast";
import * as http from "holdfast/http";
import * as policy from "holdfast/policy";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/how-to/come-from-other-libraries.md"), "utf8");

/** The last cells of the rows of all tables: the names of holdfast. */
const ours = [...page.matchAll(/^\|.* \| (.*) \|$/gm)].map(([, cell = ""]) => cell);
const codeOfOurs = ours.flatMap((cell) =>
  [...cell.replaceAll("url, file, ", "").matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code),
);

test("every function and method on the page about other libraries exists", () => {
  const known = new Set(
    [
      http,
      policy,
      Session.prototype,
      HttpResponse.prototype,
      http.StreamedResponse.prototype,
      policy.retry(),
      policy.breaker(),
    ].flatMap((target) => namesOf(target)),
  );
  const called = codeOfOurs.flatMap((code) =>
    [...code.matchAll(/\b([A-Za-z]\w+)\(/g)].map(([, name = ""]) => name),
  );

  assert.ok(called.length > 40);
  assert.deepEqual(
    [...new Set(called)].filter((name) => !known.has(name)),
    [],
  );
});

test("every option on the page about other libraries exists", () => {
  const options = readFileSync(join(root, "docs/reference/options.md"), "utf8");
  const used = codeOfOurs.flatMap((code) => [
    ...(/^(\w+):/.exec(code) ?? []).slice(1),
    ...[...code.matchAll(/[{,] (\w+)(?=[:,} ])/g)].map(([, name = ""]) => name),
  ]);

  assert.ok(used.length > 40);
  assert.deepEqual(
    [...new Set(used)].filter(
      (name) => !options.includes(`| \`${name}?\` |`) && !options.includes(`| \`${name}\` |`),
    ),
    [],
  );
});

test("the README and the list of pages link the page about other libraries", () => {
  for (const path of globSync(["README.md", "docs/README.md"], { cwd: root }))
    assert.match(readFileSync(join(root, path), "utf8"), /how-to\/come-from-other-libraries\.md/);
});

function namesOf(target: object): readonly string[] {
  const parent: unknown = Object.getPrototypeOf(target);
  const inherited = typeof parent === "object" && parent !== null ? namesOf(parent) : [];
  return [...Object.getOwnPropertyNames(target), ...inherited];
}
