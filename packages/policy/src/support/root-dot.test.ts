import assert from "node:assert/strict";
import { test } from "node:test";
import { stripRootDot } from "./root-dot.ts";

const table: readonly (readonly [host: string, stripped: string])[] = [
  ["a.test", "a.test"],
  ["a.test.", "a.test"],
  ["a.test.:8080", "a.test:8080"],
  ["a.test:8080", "a.test:8080"],
  ["https://a.test.", "https://a.test"],
  ["http://a.test.:80", "http://a.test:80"],
  ["localhost.", "localhost"],
  ["[::1]:80", "[::1]:80"],
  [".", ""],
  ["", ""],
];

for (const [host, stripped] of table) {
  test(`strips ${JSON.stringify(host)} to ${JSON.stringify(stripped)}`, () => {
    assert.equal(stripRootDot(host), stripped);
  });
}
