import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseHeaders, parseChoice, parseWholeNumber, type ParsedOptions } from "./parse-options.ts";
import { optionsFileFlag, readOptions } from "./options-file.ts";
import { OptionError, UsageError } from "../process/usage-error.ts";

const options = {
  ...optionsFileFlag,
  output: { type: "string", short: "o" },
  concurrency: { type: "string", short: "j" },
  rotation: { type: "string" },
  header: { type: "string", short: "H", multiple: true },
  proxy: { type: "string", short: "x", multiple: true },
  proxies: { type: "string" },
  quiet: { type: "boolean" },
} as const;

const folder = mkdtempSync(join(tmpdir(), "holdfast-config-"));
after(() => rmSync(folder, { recursive: true }));

function file(content: unknown): string {
  const path = join(folder, "holdfast.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function valuesOf(content: unknown, ...argv: readonly string[]): object {
  const path = file(content);
  return readOptions(["--config", path, ...argv], options, ({ values, positionals }) => {
    const { config: _, ...rest } = values;
    return { ...rest, ...(positionals.length > 0 && { positionals }) };
  });
}

test("an option on the command line replaces the one in the file, and headers are combined", () => {
  const rows: readonly (readonly [object, readonly string[], object])[] = [
    [{}, ["urls.txt"], { positionals: ["urls.txt"] }],
    [{ output: "a", quiet: true }, [], { output: "a", quiet: true }],
    [{ output: "a", quiet: false }, ["-o", "b"], { output: "b" }],
    [{ concurrency: 8 }, [], { concurrency: "8" }],
    [{ concurrency: 8 }, ["-j4"], { concurrency: "4" }],
    [{ output: "-x" }, [], { output: "-x" }],
    [{ header: ["A: 1", "B: 2"] }, ["-H", "A: 3"], { header: ["A: 1", "B: 2", "A: 3"] }],
    [{ header: "A: 1" }, [], { header: ["A: 1"] }],
    [{ proxy: ["a:1", "b:2"] }, ["-x", "c:3"], { proxy: ["c:3"] }],
    [{ proxy: "a:1" }, ["--proxies", "list"], { proxies: "list" }],
    [{ proxies: "list" }, ["--proxy", "c:3"], { proxy: ["c:3"] }],
  ];

  for (const [content, argv, values] of rows) assert.deepEqual(valuesOf(content, ...argv), values);
});

function read({ values }: ParsedOptions<typeof options>): unknown {
  parseChoice("rotation", values.rotation, ["random", "weighted"]);
  parseHeaders(values.header);
  return parseWholeNumber("concurrency", values.concurrency, { min: 1, max: 9 });
}

test("an error in the file names the file and the key, without a secret", () => {
  const rows: readonly (readonly [unknown, string])[] = [
    ["{ nonsense: s3cret", ' must be a JSON object of options, such as { "concurrency": 8 }'],
    [["s3cret"], ' must be a JSON object of options, such as { "concurrency": 8 }'],
    [{ rotate: "random" }, ': unknown option "rotate" (did you mean "rotation"?)'],
    [{ rotatio: "random" }, ': unknown option "rotatio" (did you mean "rotation"?)'],
    [{ toString: "s3cret" }, ': unknown option "toString"'],
    [{ config: "s3cret" }, ': unknown option "config"'],
    [{ quiet: "s3cret" }, ': "quiet" must be true or false'],
    [{ concurrency: ["s3cret"] }, ': "concurrency" must be a string or a number'],
    [{ proxy: [{ url: "s3cret" }] }, ': "proxy" must be a string or a list of strings'],
    [{ rotation: "sideways" }, ': "rotation" must be one of random, weighted, got "sideways"'],
    [{ concurrency: 10 }, ': "concurrency" must be a whole number from 1 to 9, got "10"'],
    [{ header: 's3cret " : ' }, ": \"header\" must have the form 'Name: value'"],
  ];

  for (const [content, message] of rows) {
    const path = file(content);
    assert.throws(() => readOptions(["--config", path], options, read), new UsageError(path + message));
  }
  assert.throws(
    () => readOptions(["--config", "no-such.json"], options, read),
    new UsageError("cannot read no-such.json: no such file"),
  );
});

test("an error on the command line does not name the file", () => {
  const path = file({ rotation: "random" });

  assert.throws(
    () => readOptions(["--config", path, "--rotation", "sideways"], options, read),
    new OptionError("rotation", "must be one of random, weighted", "sideways"),
  );
});
