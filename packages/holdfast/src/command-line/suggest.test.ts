import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance, suggest } from "./suggest.ts";

test("a slip of the finger is recognised, another word is not", () => {
  const commands = ["run", "status", "get", "export"];
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["rnu", "run"],
    ["stauts", "status"],
    ["statu", "status"],
    ["exprot", "export"],
    ["got", "get"],
    ["fetch", undefined],
    ["", undefined],
    ["resume-everything", undefined],
  ];

  for (const [word, meant] of rows) assert.equal(suggest(word, commands), meant, word);
});

test("the distance counts insertions, deletions, substitutions and swaps", () => {
  const rows: readonly (readonly [string, string, number])[] = [
    ["", "", 0],
    ["run", "run", 0],
    ["", "run", 3],
    ["run", "runs", 1],
    ["runs", "run", 1],
    ["run", "ran", 1],
    ["rnu", "run", 1],
    ["status", "get", 5],
  ];

  for (const [from, to, distance] of rows) assert.equal(editDistance(from, to), distance, `${from} -> ${to}`);
});
