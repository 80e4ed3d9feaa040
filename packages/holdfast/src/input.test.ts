import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkReadable, linesOf, sourceOf, splitLines } from "./input.ts";
import type { Source } from "./input.ts";
import { UsageError } from "./usage-error.ts";

async function collect(chunks: readonly (Uint8Array | string)[]): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const { line, text } of splitLines(stream(chunks))) {
    assert.equal(line, texts.length + 1);
    texts.push(text);
  }
  return texts;
}

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

test("the lines come from URLs, one file, or standard input", () => {
  const rows: readonly (readonly [readonly string[], boolean, Source])[] = [
    [[], false, { from: "stdin" }],
    [[], true, { from: "rest" }],
    [["-"], true, { from: "stdin" }],
    [["urls.txt"], false, { from: "file", path: "urls.txt" }],
    [["https://a/", "HTTP://b/"], false, { from: "urls", urls: ["https://a/", "HTTP://b/"] }],
    [["example.com"], false, { from: "file", path: "example.com" }],
  ];

  for (const [positionals, terminal, source] of rows) assert.deepEqual(sourceOf(positionals, terminal), source);
});

test("two lists, or a list and URLs, are refused", () => {
  assert.throws(() => sourceOf(["a.txt", "b.txt"], false), UsageError);
  assert.throws(() => sourceOf(["a.txt", "https://b/"], false), UsageError);
  assert.throws(() => sourceOf(["https://b/", "-"], false), UsageError);
});

test("lines end in LF or CRLF, and the last needs no end", async () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const rows: readonly (readonly [readonly (Uint8Array | string)[], readonly string[]])[] = [
    [[], []],
    [[""], []],
    [["a"], ["a"]],
    [["a\n"], ["a"]],
    [["a\n\nb"], ["a", "", "b"]],
    [["a\r\nb\r\n"], ["a", "b"]],
    [["a\r", "\nb"], ["a", "b"]],
    [["ab", "c", "d\ne"], ["abcd", "e"]],
    [[bytes("\ufeffa\n")], ["a"]],
    [[bytes("ö").subarray(0, 1), bytes("ö").subarray(1)], ["ö"]],
  ];

  for (const [chunks, lines] of rows) assert.deepEqual(await collect(chunks), lines, JSON.stringify(chunks));
});

test("the lines are the same however the bytes are cut", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: "grapheme", maxLength: 8 }), { maxLength: 8 }), fc.integer({ min: 1, max: 7 }), async (texts, size) => {
      const lines = texts.map((text) => text.replaceAll(/[\n\r\ufeff]/g, ""));
      const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));

      assert.deepEqual(await collect(chunks), lines);
    }),
  );
});

test("URLs of the command line are numbered in their order", () => {
  const lines = [...(linesOf({ from: "urls", urls: ["https://a/", "https://b/"] }, stream([])) as Iterable<unknown>)];

  assert.deepEqual(lines, [
    { line: 1, text: "https://a/" },
    { line: 2, text: "https://b/" },
  ]);
});

test("a list that is missing or a directory is refused by name", async () => {
  await assert.rejects(checkReadable("no/such/list.txt"), new UsageError("cannot read no/such/list.txt: no such file"));
  await assert.rejects(checkReadable(import.meta.dirname), new UsageError(`cannot read ${import.meta.dirname}: it is a directory`));
});
