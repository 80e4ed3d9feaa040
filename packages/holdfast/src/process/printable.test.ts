import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printable, shorten } from "./printable.ts";

test("printable escapes control characters and hides passwords", () => {
  const rows = [
    ["https://example.com/a", "https://example.com/a"],
    ["https://user:secret@example.com/", "https://***@example.com/"],
    ["proxy http://u:p@ss@10.0.0.1:80 failed", "proxy http://***@10.0.0.1:80 failed"],
    ["mail@example.com", "mail@example.com"],
    ["\u001b[2Jgone", "\\u{1b}[2Jgone"],
    ["a\r\nb\tc", "a\\u{d}\\u{a}b\\u{9}c"],
    ["\u202egnp.exe", "\\u{202e}gnp.exe"],
    ["größe", "größe"],
  ] as const;

  for (const [text, shown] of rows) assert.equal(printable(text), shown);
});

test("shorten keeps both ends of a long text", () => {
  assert.equal(shorten("abcdefghij", 10), "abcdefghij");
  assert.equal(shorten("abcdefghijk", 10), "abcd...ijk");
  assert.equal(shorten("abcdef", 4), "a...");
  assert.equal(shorten("abcdef", 2), "..");
});

test("printable returns one line of at most maxLength characters for every text", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.integer({ min: 0, max: 200 }),
      (text, maxLength) => {
        const shown = printable(text, maxLength);
        return shown.length <= maxLength && !/[\u0000-\u001f\u007f-\u009f]/.test(shown);
      },
    ),
  );
});
