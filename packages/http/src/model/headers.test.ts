import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeHeaders, ResponseHeaders, type HeaderRecord, type HeadersInit } from "./headers.ts";

const under: HeaderRecord = { accept: "*/*", "x-a": "1" };

const merges: readonly (readonly [what: string, over: HeadersInit | undefined, merged: HeaderRecord])[] = [
  ["nothing", undefined, { accept: "*/*", "x-a": "1" }],
  ["a name in another case", { "X-A": "2" }, { accept: "*/*", "x-a": "2" }],
  ["a further name", { "X-B": "2" }, { accept: "*/*", "x-a": "1", "x-b": "2" }],
  ["undefined, which removes", { Accept: undefined }, { "x-a": "1" }],
  ["undefined for what is not there", { "X-B": undefined }, { accept: "*/*", "x-a": "1" }],
  ["a list", { "X-A": ["2", "3"] }, { accept: "*/*", "x-a": ["2", "3"] }],
  [
    "pairs with one name twice",
    [
      ["X-A", "2"],
      ["x-a", "3"],
    ],
    { accept: "*/*", "x-a": ["2", "3"] },
  ],
  ["a platform's Headers", new Headers({ "X-A": "2" }), { accept: "*/*", "x-a": "2" }],
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
