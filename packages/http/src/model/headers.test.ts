import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseContentType,
  mergeHeaders,
  ResponseHeaders,
  type HeaderRecord,
  type HeadersInit,
} from "./headers.ts";

const under: HeaderRecord = { accept: "*/*", "x-a": "1" };

const merges: readonly (readonly [what: string, over: HeadersInit | undefined, merged: HeaderRecord])[] = [
  ["nothing", undefined, { accept: "*/*", "x-a": "1" }],
  ["a name in another case", { "X-A": "2" }, { accept: "*/*", "x-a": "2" }],
  ["a further name", { "X-B": "2" }, { accept: "*/*", "x-a": "1", "x-b": "2" }],
  ["undefined, which removes a header", { Accept: undefined }, { "x-a": "1" }],
  ["undefined for a header that does not exist", { "X-B": undefined }, { accept: "*/*", "x-a": "1" }],
  ["a list", { "X-A": ["2", "3"] }, { accept: "*/*", "x-a": ["2", "3"] }],
  [
    "pairs with one name twice",
    [
      ["X-A", "2"],
      ["x-a", "3"],
    ],
    { accept: "*/*", "x-a": ["2", "3"] },
  ],
  ["a Headers object of the platform", new Headers({ "X-A": "2" }), { accept: "*/*", "x-a": "2" }],
  ["a Map", new Map([["X-A", "2"]]), { accept: "*/*", "x-a": "2" }],
  ["an empty value", { "x-a": "" }, { accept: "*/*", "x-a": "" }],
];

for (const [what, over, merged] of merges) {
  test(`merges headers with ${what}`, () => {
    assert.deepEqual(mergeHeaders(under, over), merged);
  });
}

test("mergeHeaders changes neither its defaults nor the caller's list", () => {
  const list = ["2"];

  const merged = mergeHeaders(under, { "x-a": list });
  list.push("3");

  assert.deepEqual([under["x-a"], merged["x-a"]], ["1", ["2"]]);
});

const answered = new ResponseHeaders({
  "content-type": "text/plain",
  "set-cookie": ["a=1", "b=2"],
  none: undefined,
});

test("mergeHeaders keeps a header whose name every object inherits", () => {
  const given: unknown = JSON.parse('{"__proto__": "1", "constructor": ["2", "3"]}');

  const merged = mergeHeaders(
    { "x-a": "0" },
    Object.entries(Object(given)).flatMap(([name, value]): [string, string][] =>
      [value].flat().map((one) => [name, String(one)]),
    ),
  );

  assert.deepEqual(Object.entries(merged), [
    ["x-a", "0"],
    ["__proto__", "1"],
    ["constructor", ["2", "3"]],
  ]);
  assert.equal(Object.getPrototypeOf(merged), Object.prototype);
});

test("reads a header by its name in any case", () => {
  assert.deepEqual([answered.get("Content-Type"), answered.has("CONTENT-TYPE")], ["text/plain", true]);
});

test("joins the lines of a header, and returns them one by one", () => {
  assert.equal(answered.get("set-cookie"), "a=1, b=2");
  assert.deepEqual(
    [answered.getSetCookie(), answered.getAll("content-type")],
    [["a=1", "b=2"], ["text/plain"]],
  );
});

for (const name of ["missing", "none", "constructor", "__proto__", "toString"]) {
  test(`has no header ${name}`, () => {
    assert.deepEqual([answered.get(name), answered.has(name), answered.getAll(name)], [null, false, []]);
  });
}

test("lists every line with its name", () => {
  assert.deepEqual(
    [...answered],
    [
      ["content-type", "text/plain"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ],
  );
});

// The examples of "extract a MIME type" in WHATWG Fetch, and similar values.
const contentTypes: readonly (readonly [
  value: string | null,
  essence: string,
  charset: string | undefined,
])[] = [
  [null, "", undefined],
  ["", "", undefined],
  ["text/plain;charset=gbk, text/html", "text/html", undefined],
  ["text/html;charset=gbk;a=b, text/html;x=y", "text/html", "gbk"],
  ["text/html, text/html;charset=gbk", "text/html", "gbk"],
  ["TEXT/html;CHARSET=gbk, Text/HTML", "text/html", "gbk"],
  ["text/html;charset=gbk, text/html;charset=utf-8", "text/html", "utf-8"],
  ["text/html;charset=gbk, x/x, text/html;x=y", "text/html", undefined],
  ["text/html, cannot-parse", "text/html", undefined],
  ["text/html;charset=gbk, cannot-parse, ", "text/html", "gbk"],
  ["text/html, */*", "text/html", undefined],
  ["text/html;charset=gbk, */*;charset=utf-8", "text/html", "gbk"],
  ['text/html;x="a, b;charset=gbk", text/html;charset=utf-8', "text/html", "utf-8"],
  ["application/json, text/html", "text/html", undefined],
  ['text/html; charset="windows-1251"', "text/html", "windows-1251"],
  ['text/html; charset="windows-1251', "text/html", "windows-1251"],
  ["text/html; charset = 'latin1' ; x=y", "text/html", "latin1"],
  ["text/html; x-charset=utf-16; charset=latin1", "text/html", "latin1"],
  ["text/html; charset=gbk; charset=utf-8", "text/html", "gbk"],
  ["charset=latin1", "", "latin1"],
  ["text; charset=latin1", "", "latin1"],
];

for (const [value, essence, charset] of contentTypes) {
  test(`reads ${JSON.stringify(value)} as ${essence || "no type"} in ${charset ?? "no charset"}`, () => {
    assert.deepEqual(parseContentType(value), { essence, charset });
  });
}

test("parses a hostile Content-Type in linear time", () => {
  const began = performance.now();

  for (const text of ['text/html;charset="', '"\\,', ";a=", "text/html;;", " ", "a/a,"])
    parseContentType(text.repeat(20_000));

  assert.ok(performance.now() - began < 5_000);
});
