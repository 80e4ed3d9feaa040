import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const root = join(import.meta.dirname, "..");

/** Types of records with names that may come from outside. */
const recordTypes = String.raw`(?:Readonly<)?(?:Partial<)?(?:Record<string,|Record<ProxyReason,|HeaderRecord|HeaderFields|ReplyHeaders|ProxyMap|Environment\b|OptionSpecs|OptionTypes)`;

/** Lookups that find own names only, with the reason. */
const reviewed: ReadonlyMap<string, string> = new Map([
  ["http/src/transport/wire/head.ts: fields[name]", "`appendField` asks `Object.hasOwn` for inherited names"],
  [
    "http/src/transport/http1/serialize-request.ts: headers[name]",
    "the name is one of `Object.keys(headers)`",
  ],
  ["policy/src/support/own-value.ts: table[name]", "the function that asks `Object.hasOwn`"],
  ["http/src/model/headers.ts: record[key]", "guarded by `Object.hasOwn`"],
  ["http/src/call/build-request.ts: headers[defaultIdempotencyHeader]", "a constant name"],
  ["http/src/model/headers.ts: merged[name]", "only for a name that was set before"],
  ["http/src/support/validate.ts: value[name]", "the names of our own options, or of `for … in`"],
  ["http/src/transport/validate-options.ts: value[name]", "the names of `Object.keys(value)`"],
  ["http/src/proxy/route/environment.ts: environment[name]", "the name ends in `_proxy`"],
  ["http/src/proxy/route/environment.ts: environment[name.toUpperCase()]", "the name ends in `_PROXY`"],
  ["http/src/transport/wire/head-reader.ts: fields[name]", "guarded by `Object.hasOwn`"],
  ["http/src/axios/options.ts: allowed[name]", "the names of `Object.entries(refused)`"],
  ["http/src/dispatch/headers.ts: headers[name]", "a record without a prototype"],
  ["http/src/dispatch/headers.ts: headers[index]", "an index of a list"],
  ["http/src/dispatch/headers.ts: headers[index + 1]", "an index of a list"],
  ["http/src/dispatch/nested-retries.ts: headers[name]", "the names of `Object.entries(marks)`"],
  ["http/src/dispatch/nested-retries.ts: headers[keyHeader]", "a constant name"],
  ["holdfast/src/command-line/program-state.ts: specs[name]", "the names of our own options"],
  ["proxies/src/state/sources.ts: environment[name]", "the names of two variables"],
  ["proxies/src/state/sources.ts: environment[name.toUpperCase()]", "the names of two variables"],
  ["proxies/src/state/sources.ts: environment[variable]", "the caller names the variable"],
]);

describe("lookups with a variable name", () => {
  it("finds one of each kind in a text", () => {
    const text = [
      "const table: Readonly<Record<string, number>> = { a: 1 };",
      "const one = table[name] ?? 0;",
      'const two = table["a"];',
      "const three = Object.hasOwn(table, name) ? table[name] : undefined;",
      "function f(headers: HeaderRecord, given: Record<string, string>) { return headers[given[key]]; }",
      "table[name] = 1;",
    ].join("\n");

    assert.deepEqual(findLookups(text), ["table[name]", "headers[given[key]]", "given[key]"]);
  });

  it("use ownValue, a Map or Object.hasOwn, because a server may send `constructor` as the name", () => {
    const found = sources().flatMap((path) =>
      findLookups(readFileSync(join(root, "packages", path), "utf8")).map((lookup) => `${path}: ${lookup}`),
    );

    assert.deepEqual(
      found.filter((lookup) => !reviewed.has(lookup)),
      [],
    );
  });

  it("reviews only lookups that exist", () => {
    const texts = new Map(
      sources().map((path) => [path, readFileSync(join(root, "packages", path), "utf8")]),
    );
    for (const entry of reviewed.keys()) {
      const [path = "", lookup = ""] = entry.split(": ");
      assert.ok(texts.get(path)?.includes(lookup), entry);
    }
  });
});

function sources(): readonly string[] {
  return globSync("*/src/**/*.ts", { cwd: join(root, "packages") })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !path.endsWith(".test.ts") && !path.includes("/src/testing/"))
    .toSorted();
}

/** Returns the reads `record[name]` of a source, for records with text keys and names that are not literals. */
function findLookups(source: string): readonly string[] {
  const declared = new RegExp(String.raw`([\w#]+)\??: ${recordTypes}`, "g");
  const names = new Set([...source.matchAll(declared)].map(([, name = ""]) => name.replace("#", "")));
  return source.split("\n").flatMap((line, index, lines) => {
    const before = `${lines[index - 1] ?? ""}${line}`;
    return [...line.matchAll(/(?<![\w.])((?:this\.#)?)(\w+)\[(?=[a-z])/g)].flatMap(
      ({ index: at, 2: name = "", 0: start }) => {
        const key = keyAt(line, at + start.length);
        const isWrite = /^\] (?:[?+]{0,2}=)(?!=)/.test(line.slice(at + start.length + key.length));
        if (!names.has(name) || isWrite || before.includes(`Object.hasOwn(${name}, ${key})`)) return [];
        return [`${name}[${key}]`];
      },
    );
  });
}

/** Returns the text up to the bracket that closes the one before `start`. */
function keyAt(line: string, start: number): string {
  let depth = 1;
  for (let at = start; at < line.length; at += 1) {
    if (line[at] === "[") depth += 1;
    if (line[at] === "]") depth -= 1;
    if (depth === 0) return line.slice(start, at);
  }
  return line.slice(start);
}
