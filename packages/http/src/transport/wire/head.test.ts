import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MalformedResponse } from "../errors/malformed-response.ts";
import { HeadReader } from "./head-reader.ts";
import { parseCleanHead, type ParsedHead } from "./head.ts";

/**
 * Reads a head with the reader, in one piece and byte by byte, and compares the quick parser with it. Returns undefined when
 * the head is incomplete.
 */
function readHead(text: string, strict = false): ParsedHead | undefined {
  const bytes = Buffer.from(text, "latin1");
  const whole = new HeadReader({ maxKibibytes: 256, strict });
  const end = whole.read(bytes, 0, bytes.length);
  const cut = new HeadReader({ maxKibibytes: 256, strict });
  let cutEnd: number | undefined;
  for (let at = 0; at < bytes.length && cutEnd === undefined; at += 1)
    cutEnd = cut.read(bytes.subarray(0, at + 1), at, at + 1);
  assert.equal(cutEnd, end);
  if (end === undefined) {
    assert.equal(parseCleanHead(text), undefined);
    return undefined;
  }
  const head = whole.head();
  assert.equal(head.size, end);
  assert.deepEqual(cut.head(), head);
  assert.deepEqual(parseCleanHead(text), head.isClean ? head : undefined);
  return head;
}

function fieldsOf(lines: string): object {
  const head = readHead(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`);
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
    const head = readHead(`${line}\r\nA: b\r\n\r\nbody`);

    const size = line.length + 10;
    assert.deepEqual(head, { status, statusText, minor, fields: { a: "b" }, size, isClean: true });
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
    const bare = readHead(`HTTP/1.1 200 OK\n${lines.replaceAll("\r\n", "\n")}\n\n`);
    assert.deepEqual([bare?.fields, bare?.isClean], [expected, false]);
  });
}

test("parses fields: __proto__ is an ordinary name", () => {
  const read = fieldsOf("__proto__: a\r\n__PROTO__: b");

  assert.deepEqual(Object.getOwnPropertyDescriptor(read, "__proto__")?.value, ["a", "b"]);
  assert.equal(Object.getPrototypeOf(read), Object.prototype);
});

const invalid: readonly string[] = [
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

// A lone CR or a NUL is never harmless.
const harmful: readonly string[] = [
  "A\0: b",
  "A: b\0",
  "A: b\rc",
  "A: b\r\r",
  "A: b\r\n \rc",
  "A: b\r\n \0",
  "\0",
  "A b: c\0",
  "A b: c\r\n \0",
];

// The body would be misread without these.
const describing: readonly string[] = [
  "Content-Length : 5",
  "Content-Length\t: 5",
  "Content-Length 5",
  " Content-Length: 5",
  "Content-Length: 5\x01",
  "\x01Content-Length: 5",
  "Content-Length: 5\r\n 6",
  "Content-Length:\r\n 5",
  "A: b\r\nContent Length: 5",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding\xa0: chunked",
  "\tTransfer-Encoding: chunked",
  "Transfer-Encoding: \vchunked",
  "Transfer-Encoding: x\r\n chunked",
  "Transfer-Encoding",
  "Content-Encoding : gzip",
  "Content-Range : bytes 0-1/2",
];

const refused = [...invalid, ...[...harmful, ...describing].map((field) => `HTTP/1.1 200 OK\r\n${field}`)];

for (const head of refused) {
  test(`rejects ${JSON.stringify(head)} as soon as the line is complete`, () => {
    for (const strict of [false, true]) {
      assert.throws(() => readHead(`${head}\r\nX: y\r\n\r\n`, strict), MalformedResponse);
      assert.throws(() => readHead(`${head}\r\n`, strict), MalformedResponse);
    }
  });
}

const leftOut: readonly (readonly [line: string, fields?: object])[] = [
  ["A"],
  [": b"],
  [" : b"],
  ["A : b"],
  ["A\t: b"],
  [" A: b"],
  ["\tA: b"],
  ["A b: c"],
  ["\xe9: b"],
  ["(A): b"],
  ['"A": b'],
  ["A: \x7f"],
  ["A: \x01"],
  ["A: b\v"],
  ["A : b\r\n c"],
  ["A: b\r\n \x01\r\n c"],
  ["B: c\r\nA: \x01\r\nB: d", { b: ["c", "d"] }],
  ["X-Content-Length : 5"],
];

for (const [line, fields = {}] of leftOut) {
  test(`leaves out the malformed field ${JSON.stringify(line)}, or rejects it with strictHeaders`, () => {
    const head = `HTTP/1.1 200 OK\r\n${line}\r\nX: y\r\n\r\n`;

    const read = readHead(head);

    assert.deepEqual([read?.fields, read?.isClean], [{ ...fields, x: "y" }, false]);
    assert.throws(() => readHead(head, true), MalformedResponse);
  });
}

test("replaces a control character in the reason phrase with a space, or rejects it with strictHeaders", () => {
  const head = "HTTP/1.1 200 O\x01K\x7f\r\nX: y\r\n\r\n";

  const read = readHead(head);

  assert.deepEqual([read?.status, read?.statusText, read?.isClean], [200, "O K ", false]);
  assert.throws(() => readHead(head, true), MalformedResponse);
});

const slips: readonly (readonly [what: string, head: string])[] = [
  ["an empty line before the status line", "\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n"],
  ["a CR before the status line", "\rHTTP/1.1 200 OK\r\nX: y\r\n\r\n"],
  ["a status line that ends with LF", "HTTP/1.1 200 OK\nX: y\r\n\r\n"],
  ["a field that ends with LF", "HTTP/1.1 200 OK\r\nX: y\n\r\n"],
  ["an empty line that ends with LF", "HTTP/1.1 200 OK\r\nX: y\r\n\n"],
  ["a folded field", "HTTP/1.1 200 OK\r\nX:\r\n y\r\n\r\n"],
];

for (const [what, text] of slips) {
  test(`reads a head with ${what}, which is then not clean`, () => {
    for (const strict of [false, true]) {
      const read = readHead(text, strict);

      assert.deepEqual([read?.fields, read?.isClean], [{ x: "y" }, false]);
    }
  });
}

test("a partial head is incomplete", () => {
  const whole = "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nD: e\r\n\r\n";
  for (let size = 0; size < whole.length; size += 1) assert.equal(readHead(whole.slice(0, size)), undefined);

  assert.equal(readHead(`${whole}more`)?.size, whole.length);
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
