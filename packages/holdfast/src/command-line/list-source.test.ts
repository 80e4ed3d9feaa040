import assert from "node:assert/strict";
import { test } from "node:test";
import { checkReadable, parseListSource } from "./list-source.ts";
import type { ListSource } from "./list-source.ts";
import { UsageError } from "../process/usage-error.ts";

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
    assert.deepEqual(parseListSource(positionals, terminal), source);
});

test("parseListSource rejects two lists, and a list with URLs", () => {
  assert.throws(() => parseListSource(["a.txt", "b.txt"], false), UsageError);
  assert.throws(() => parseListSource(["a.txt", "https://b/"], false), UsageError);
  assert.throws(() => parseListSource(["https://b/", "-"], false), UsageError);
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
