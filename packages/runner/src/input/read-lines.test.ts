import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { InputLine } from "../ledger/job.ts";
import { makeRunDirectory } from "../testing/run-directory.ts";
import { ListError } from "./list-error.ts";
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

  const encoded: readonly (readonly [string, Buffer, readonly string[]])[] = [
    ["UTF-16 with a mark", Buffer.from("\u{FEFF}a\r\nb\u00fc\n", "utf16le"), ["a", "b\u00fc"]],
    ["UTF-16 without a mark", Buffer.from("http://a/\n", "utf16le"), ["http://a/"]],
    ["big-endian UTF-16", Buffer.from("\u{FEFF}a\nb\n", "utf16le").swap16(), ["a", "b"]],
    ["gzip", gzipSync("a\nb\n"), ["a", "b"]],
    ["two gzip members", Buffer.concat([gzipSync("a\nb"), gzipSync("c\n")]), ["a", "bc"]],
    ["bytes that are not UTF-8", Buffer.from("a\u00e9 \u00fc\nb", "latin1"), ["a%E9 %FC", "b"]],
    ["a cut character at the end", Buffer.from([0x61, 0xe2, 0x82]), ["a%E2%82"]],
    ["Latin-1 between UTF-8", Buffer.from([0xc3, 0xbc, 0xfc, 0xc3, 0xbc]), ["\u00fc%FC\u00fc"]],
  ];
  for (const [name, bytes, expected] of encoded)
    it(`reads ${name}, in one piece and byte by byte`, async () => {
      assert.deepEqual(await texts([bytes]), expected);
      assert.deepEqual(await texts([...bytes].map((byte) => Uint8Array.of(byte))), expected);
    });

  for (const [kind, bytes] of [
    ["zip", Buffer.from("PK\u0003\u0004....")],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0])],
    ["gzip data is damaged", gzipSync("a\n".repeat(1_000)).subarray(0, 20)],
  ] as const)
    it(`rejects a list that is no text (${kind})`, async () => {
      await assert.rejects(
        texts([bytes]),
        (error) => error instanceof ListError && error.message.includes(kind),
      );
    });

  it("knows whether a file was read to its end, and did not change meanwhile", async () => {
    const path = join(makeRunDirectory(), "list.txt");
    writeFileSync(path, "a\nb\n");
    const whole = readLines(path);
    for await (const _ of whole);
    const part = readLines(path);
    for await (const _ of part) break;
    const changed = readLines(path);
    for await (const _ of changed) writeFileSync(path, "a\n");

    assert.deepEqual([whole.isWhole, part.isWhole, changed.isWhole], [true, false, false]);
    assert.equal(whole.path, path);
    assert.equal(readLines(["a\n"]).path, undefined);
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
