import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MalformedResponse } from "./errors.ts";
import { parseHead } from "./head.ts";

function fieldsOf(lines: string): object {
  const head = parseHead(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`);
  assert.ok(head !== undefined);
  return head.fields;
}

const statusLines: readonly (readonly [line: string, status: number, statusText: string, minor: number])[] = [
  ["HTTP/1.1 200 OK", 200, "OK", 1],
  ["HTTP/1.0 404 Not Found", 404, "Not Found", 0],
  ["HTTP/1.1 503 ", 503, "", 1],
  ["HTTP/1.1 503", 503, "", 1],
  ["HTTP/1.9 999 caf\xe9", 999, "caf\xe9", 9],
];

for (const [line, status, statusText, minor] of statusLines) {
  test(`parses the status line "${line}"`, () => {
    const head = parseHead(`${line}\r\nA: b\r\n\r\nbody`);

    assert.deepEqual(head, { status, statusText, minor, fields: { a: "b" }, size: line.length + 10 });
  });
}

const fields: readonly (readonly [what: string, lines: string, fields: object])[] = [
  ["names in any case", "Content-TYPE: text/plain\r\nx-y:z", { "content-type": "text/plain", "x-y": "z" }],
  ["white space around values", "A: \t b c\t \r\nB:", { a: "b c", b: "" }],
  [
    "a repeated name",
    "Set-Cookie: a\r\nB: c\r\nset-cookie: d\r\nSET-COOKIE: e",
    { "set-cookie": ["a", "d", "e"], b: "c" },
  ],
  ["a folded field", "A: b\r\n c\r\n\t \td\r\nE: f", { a: "b c d", e: "f" }],
  ["a field that starts with a fold", "A:\r\n b\r\n \r\n c", { a: "b  c" }],
  ["obs-text, as latin1", "A: caf\xe9", { a: "caf\xe9" }],
  ["a colon in a value", "A: b: c", { a: "b: c" }],
  [
    "names of properties of Object.prototype",
    "constructor: a\r\ntoString: b\r\nconstructor: c",
    { constructor: ["a", "c"], tostring: "b" },
  ],
];

for (const [what, lines, expected] of fields) {
  test(`parses fields: ${what}`, () => {
    assert.deepEqual(fieldsOf(lines), expected);
    assert.deepEqual(parseHead(`HTTP/1.1 200 OK\n${lines.replaceAll("\r\n", "\n")}\n\n`)?.fields, expected);
  });
}

test("parses fields: __proto__ is an ordinary name", () => {
  const read = fieldsOf("__proto__: a\r\n__PROTO__: b");

  assert.deepEqual(Object.getOwnPropertyDescriptor(read, "__proto__")?.value, ["a", "b"]);
  assert.equal(Object.getPrototypeOf(read), Object.prototype);
});

const malformedLines: readonly string[] = [
  "HTTP/1.1 OK",
  "HTTP/1.1 20 OK",
  "HTTP/1.1 0200 OK",
  "HTTP/1.1 099 OK",
  "HTTP/1.1  200 OK",
  "HTTP/1.1\t200 OK",
  "HTTP/2.0 200 OK",
  "HTTP/11 200 OK",
  "http/1.1 200 OK",
  " HTTP/1.1 200 OK",
  "ICY 200 OK",
  "HTTP/1.1 200 O\rK",
  "HTTP/1.1 200 O\0K",
];

const malformedFields: readonly string[] = [
  "A",
  ": b",
  " : b",
  "A : b",
  "A\t: b",
  " A: b",
  "\tA: b",
  "A b: c",
  "A\0: b",
  "\xe9: b",
  "(A): b",
  '"A": b',
  "A: b\0",
  "A: b\rc",
  "A: b\r\r",
  "A: \x7f",
  "A: \x01",
  "A: b\v",
  "A: b\r\n \rc",
  "A: b\r\n \0",
];

const malformed = [...malformedLines, ...malformedFields.map((field) => `HTTP/1.1 200 OK\r\n${field}`)];

for (const head of malformed) {
  test(`rejects ${JSON.stringify(head)}`, () => {
    assert.throws(() => parseHead(`${head}\r\nX: y\r\n\r\n`), MalformedResponse);
  });
}

test("a partial head is incomplete or already malformed", () => {
  const whole = "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nD: e\r\n\r\n";
  for (let size = 0; size < whole.length; size += 1) assert.equal(parseHead(whole.slice(0, size)), undefined);

  assert.equal(parseHead(`${whole}more`)?.size, whole.length);
});

test("parses any field to the value that was written", () => {
  const name = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/);
  const value = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]{0,20}[!-~\x80-\xff])?)?$/);

  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (written) => {
      const expected = new Map<string, string[]>();
      for (const [each, said] of written) {
        const lower = each.toLowerCase();
        expected.set(lower, [...(expected.get(lower) ?? []), said]);
      }

      const read = fieldsOf(written.map(([each, said]) => `${each}: ${said}`).join("\r\n") || "X:");

      const entries = Object.entries(read).map(([each, said]: [string, string | string[]]) => [
        each,
        [said].flat(),
      ]);
      if (written.length > 0) assert.deepEqual(new Map(entries as [string, string[]][]), expected);
    }),
  );
});
