import assert from "node:assert/strict";
import { test } from "node:test";
import { checkReadable, parseListSource } from "./list-source.ts";
import type { ListSource } from "./list-source.ts";
import type { SourceKind } from "./program-state.ts";
import { UsageError } from "../process/usage-error.ts";

const noRun = { stdinIsTerminal: false, lastSource: undefined };

test("parseListSource reads URLs, one file or standard input", () => {
  const rows: readonly (readonly [readonly string[], boolean, ListSource])[] = [
    [[], false, { from: "stdin" }],
    [[], true, { from: "ledger" }],
    [["-"], true, { from: "stdin" }],
    [["urls.txt"], false, { from: "file", path: "urls.txt" }],
    [["https://a/", "HTTP://b/"], false, { from: "urls", urls: ["https://a/", "HTTP://b/"] }],
    [["example.com"], false, { from: "file", path: "example.com" }],
  ];

  for (const [positionals, terminal, source] of rows)
    assert.deepEqual(
      parseListSource(positionals, { stdinIsTerminal: terminal, lastSource: undefined }),
      source,
    );
});

test("without a list, parseListSource continues a run, and reads standard input again if the run has", () => {
  const from = (lastSource: SourceKind, stdinIsTerminal: boolean): string =>
    parseListSource([], { stdinIsTerminal, lastSource }).from;

  assert.deepEqual(
    [from("file", false), from("urls", false), from("file", true)],
    ["ledger", "ledger", "ledger"],
  );
  assert.deepEqual([from("stdin", false), from("stdin", true)], ["stdin", "ledger"]);
});

test("parseListSource rejects two lists, and a list with URLs", () => {
  assert.throws(() => parseListSource(["a.txt", "b.txt"], noRun), UsageError);
  assert.throws(() => parseListSource(["a.txt", "https://b/"], noRun), UsageError);
  assert.throws(() => parseListSource(["https://b/", "-"], noRun), UsageError);
});

test("checkReadable rejects a missing file and a directory by name", async () => {
  await assert.rejects(
    checkReadable("no/such/list.txt"),
    new UsageError("cannot read no/such/list.txt: no such file"),
  );
  await assert.rejects(
    checkReadable(import.meta.dirname),
    new UsageError(`cannot read ${import.meta.dirname}: it is a directory`),
  );
});
