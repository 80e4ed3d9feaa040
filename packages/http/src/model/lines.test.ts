import assert from "node:assert/strict";
import { test } from "node:test";
import { LineTooLongError } from "../errors/transport-errors.ts";
import { readLines, splitLines, type LineOptions } from "./lines.ts";
import { HttpResponse, SchemaError } from "./response.ts";
import type { StandardSchema } from "./schema.ts";

const url = "https://a.test/log";

function linesOf(
  pieces: readonly (string | Uint8Array)[],
  type: string | null,
  options?: LineOptions,
): Promise<string[]> {
  const body = pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece));
  return Array.fromAsync(readLines({ url, body, type }, options));
}

function valuesOf(text: string, schema?: StandardSchema): Promise<unknown[]> {
  const content = Buffer.from(text);
  return Array.fromAsync(
    new HttpResponse({ status: 200, statusText: "", url, headers: {}, content }).jsonLines(schema),
  );
}

const cases: readonly (readonly [
  what: string,
  pieces: readonly (string | Uint8Array)[],
  lines: readonly string[],
])[] = [
  ["an empty body", [], []],
  ["lines that end with LF or CRLF", ["a\nb\r\n\nc\n"], ["a", "b", "", "c"]],
  ["a last line without a line break", ["a\nb"], ["a", "b"]],
  ["a line in several pieces", ["a", "b", "c\nd", "\n"], ["abc", "d"]],
  ["a CRLF that is cut", ["a\r", "\nb"], ["a", "b"]],
  ["a character that is cut", [Buffer.from([0xc3]), Buffer.from([0xa4, 0x0a])], ["ä"]],
  ["a lone CR inside of a line", ["a\rb\n"], ["a\rb"]],
  ["a byte order mark", [Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0x0a])], ["a"]],
  ["UTF-16 by its mark", [Buffer.from([0xff, 0xfe, 0x61, 0x00, 0x0a, 0x00, 0x62, 0x00])], ["a", "b"]],
];

for (const [what, pieces, lines] of cases) {
  test(`reads ${what}`, async () => {
    assert.deepEqual(await linesOf(pieces, null), lines);
  });
}

test("splits at CR as well, and at a CRLF that is cut once", async () => {
  const body = ["a\rb\r", "\nc\r", "d\r\n\re"].map((piece) => Buffer.from(piece));

  const lines = await Array.fromAsync(splitLines({ url, body, type: null }, { breaks: "any" }));

  assert.deepEqual(
    lines.map(({ text, isEnded }) => `${text}${isEnded ? "" : "…"}`),
    ["a", "b", "c", "d", "", "e…"],
  );
});

test("decodes by the charset of the Content-Type", async () => {
  assert.deepEqual(await linesOf([Buffer.from([0xe4, 0x0a])], "text/plain; charset=latin1"), ["ä"]);
});

test("joins a line of 5,000 pieces", async () => {
  const pieces = Array.from({ length: 5_000 }, (_, index) => String(index % 10));

  assert.deepEqual(await linesOf([...pieces, "\n", "b"], null), [pieces.join(""), "b"]);
});

test("refuses a line that is longer than maxLength, before it has ended", async () => {
  assert.deepEqual(await linesOf(["abc\nabc"], null, { maxLength: 3 }), ["abc", "abc"]);
  await assert.rejects(linesOf(["ab", "cd"], null, { maxLength: 3 }), LineTooLongError);
});

test("reads JSON lines, and skips blank lines and record separators", async () => {
  assert.deepEqual(await valuesOf('{"a":1}\n\n \n[2]\n\u001e"x"\r\n3'), [{ a: 1 }, [2], "x", 3]);
});

test("a line that is not JSON is an error with its number", async () => {
  await assert.rejects(valuesOf('{"a":1}\n\nnope\n'), {
    name: "SyntaxError",
    message: "Line 3 of https://a.test/log is not JSON: nope",
  });
});

test("a last line that was cut is an error", async () => {
  await assert.rejects(valuesOf('{"a":1}\n{"a":'), {
    message: 'Line 2 of https://a.test/log, which ends without a line break, is not JSON: {"a":',
  });
});

test("checks each value against a schema", async () => {
  const even: StandardSchema<number> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        Number(value) % 2 === 0 ? { value: Number(value) } : { issues: [{ message: "odd" }] },
    },
  };

  assert.deepEqual(await valuesOf("2\n4\n", even), [2, 4]);
  await assert.rejects(valuesOf("2\n3\n", even), SchemaError);
});
