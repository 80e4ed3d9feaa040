import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeForTerminal, printable, printableLines, shorten, toPrintableJson } from "./printable.ts";

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
    ["https://a.test/?api_key=K1&x=1", "https://a.test/?api_key=***&x=1"],
    ["https://a.test/?X-Amz-Signature=5f", "https://a.test/?X-Amz-Signature=***"],
  ] as const;

  for (const [text, shown] of rows) assert.equal(printable(text), shown);
});

test("escapeForTerminal escapes all controls except tab and line feed", () => {
  const rows = [
    ["one\r\ntwo\tthree\n", "one\ntwo\tthree\n"],
    ["100%\r 50%", "100%\\u000d 50%"],
    ["\u001b[2J\u0000\u007f\u0085\u009b", "\\u001b[2J\\u0000\\u007f\\u0085\\u009b"],
    ["\u061c\u200e\u200f\u202a\u202e\u2066\u2069", "\\u061c\\u200e\\u200f\\u202a\\u202e\\u2066\\u2069"],
    ["größe 👩‍🚀 \u00a0", "größe 👩‍🚀 \u00a0"],
  ] as const;

  for (const [text, shown] of rows) assert.equal(escapeForTerminal(text), shown);
});

test("toPrintableJson writes the same value without controls, printableLines keeps the lines", () => {
  const value = { name: "\u009b31m\u202e\u0007", list: [1, "a\r\nb"] };

  assert.deepEqual(JSON.parse(toPrintableJson(value)), value);
  assert.doesNotMatch(toPrintableJson(value), /[\u0080-\u009f\u202e]/);
  assert.equal(printableLines("at a\r\n  ?token=x\n\u001b[1m"), "at a\n  ?token=***\n [1m");
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
