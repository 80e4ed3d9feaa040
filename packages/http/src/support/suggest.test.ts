import assert from "node:assert/strict";
import { test } from "node:test";
import { suggest } from "./suggest.ts";

const names = ["retry", "timeout", "backoffFactor", "rejectUnauthorized", "http", "name", "response"];

const guesses: readonly (readonly [word: string, meant: string | undefined])[] = [
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

for (const [word, meant] of guesses) {
  test(`${JSON.stringify(word)} most likely means ${meant ?? "nothing that there is"}`, () => {
    assert.equal(suggest(word, names), meant);
  });
}
