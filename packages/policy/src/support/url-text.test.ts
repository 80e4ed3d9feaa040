import assert from "node:assert/strict";
import { test } from "node:test";
import { findSpaceProblem, removeComment } from "./url-text.ts";

const table: readonly (readonly [string, string])[] = [
  ["  http://a/b  ", "http://a/b"],
  ["http://a/b # the good one", "http://a/b"],
  ["http://a/b\t// the good one", "http://a/b"],
  ["http://a/b#part", "http://a/b#part"],
  ["http://a//b", "http://a//b"],
  ["http://a/my file.txt", "http://a/my file.txt"],
  ["# http://a/", ""],
  ["// http://a/", ""],
  ["", ""],
];

for (const [text, expected] of table) {
  test(`removeComment returns ${JSON.stringify(expected)} for ${JSON.stringify(text)}`, () => {
    assert.equal(removeComment(text), expected);
  });
}

test("findSpaceProblem allows a space inside of a URL, and neither a tab nor a second URL", () => {
  assert.equal(findSpaceProblem("http://a/my file.txt"), undefined);
  assert.match(findSpaceProblem("http://a/b\tc") ?? "", /tab/);
  assert.match(findSpaceProblem("http://a/ http://b/") ?? "", /two URLs/);
});
