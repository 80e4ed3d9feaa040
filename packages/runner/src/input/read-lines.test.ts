import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { InputLine } from "../ledger/job.ts";
import { makeRunDirectory } from "../testing/run-directory.ts";
import { type LineSource, readLines, maxLineLength } from "./read-lines.ts";

async function texts(source: LineSource): Promise<string[]> {
  const lines: InputLine[] = [];
  for await (const line of readLines(source)) lines.push(line);
  assert.deepEqual(
    lines.map(({ line }) => line),
    lines.map((_, index) => index + 1),
  );
  return lines.map(({ text }) => text);
}

describe("readLines", () => {
  const table: readonly (readonly [string, string, readonly string[]])[] = [
    ["an empty source", "", []],
    ["one empty line", "\n", [""]],
    ["a last line without its end", "a\nb", ["a", "b"]],
    ["a last line with its end", "a\nb\n", ["a", "b"]],
    ["CRLF", "a\r\nb\r\n", ["a", "b"]],
    ["a carriage return within a line", "a\rb\n", ["a\rb"]],
    ["a byte order mark", "\u{FEFF}a\n\u{FEFF}b\n", ["a", "\u{FEFF}b"]],
    ["blank lines", "a\n\n\nb", ["a", "", "", "b"]],
  ];
  for (const [name, text, expected] of table) {
    it(`reads ${name}`, async () => {
      assert.deepEqual(await texts([text]), expected);
    });
  }

  it("yields the same lines for any division into chunks", async () => {
    const text = fc
      .array(fc.constantFrom("a", "é", "🙂", "\n", "\r\n", "\u{FEFF}", "漢字"), { maxLength: 40 })
      .map((parts) => parts.join(""));
    const property = fc.asyncProperty(
      text,
      fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 40 }),
      async (whole, sizes) => {
        const bytes = Buffer.from(whole);
        const chunks: Buffer[] = [];
        let from = 0;
        for (const size of sizes) chunks.push(bytes.subarray(from, (from += size)));
        chunks.push(bytes.subarray(from));

        const expected = whole
          .replace(/^\u{FEFF}/u, "")
          .split(/\n/)
          .map((line) => line.replace(/\r$/, ""));
        if (expected.at(-1) === "" && !/[^\n]$/.test(whole.replace(/^\u{FEFF}/u, ""))) expected.pop();
        assert.deepEqual(await texts(chunks), expected);
      },
    );
    await fc.assert(property);
  });

  it("reads the file of a path", async () => {
    const path = join(makeRunDirectory(), "list.txt");
    writeFileSync(path, "a\nb\n");

    assert.deepEqual(await texts(path), ["a", "b"]);
  });

  it("cuts an endless line and continues with the next", async () => {
    const part = "x".repeat(100_000);
    const chunks = [...Array.from({ length: 30 }, () => part), "\nnext\n"];

    const [cut, following] = await texts(chunks);

    assert.equal(cut?.length, maxLineLength + 1);
    assert.equal(following, "next");
  });
});
