import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance, suggest } from "./suggest.ts";

const names = ["retry", "timeout", "backoffFactor", "rejectUnauthorized", "http", "name", "response"];

const suggestions: readonly (readonly [word: string, meant: string | undefined])[] = [
  ["timeot", "timeout"],
  ["backoff_factor", "backoffFactor"],
  ["BACKOFF-FACTOR", "backoffFactor"],
  ["rejectUnauthorised", "rejectUnauthorized"],
  ["retries", "retry"],
  ["htp", "http"],
  ["nam", "name"],
  ["respons", "response"],
  ["colour", undefined],
  ["", undefined],
  ["x", undefined],
];

for (const [word, meant] of suggestions) {
  test(`suggest(${JSON.stringify(word)}) returns ${meant ?? "undefined"}`, () => {
    assert.equal(suggest(word, names), meant);
  });
}

test("suggest finds the command behind a typo and rejects a different word", () => {
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

test("editDistance counts insertions, deletions, substitutions and swaps", () => {
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
