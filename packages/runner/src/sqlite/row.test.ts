import assert from "node:assert/strict";
import { test } from "node:test";
import { readJob } from "./row.ts";

const row = { id: 7, line: 9, method: "POST", url: "https://a.test/" };

test("readJob returns the request of a row", () => {
  const request = { body: "x", headers: { a: "b" } };

  assert.deepEqual(readJob({ ...row, request: null }), row);
  assert.deepEqual(readJob({ ...row, request: JSON.stringify(request) }), { ...row, request });
});

test("readJob throws a TypeError for a damaged request", () => {
  for (const request of ["", "{", "5", "null", '{"headers":null}', '{"body":5}'])
    assert.throws(() => readJob({ ...row, request }), TypeError, request);
});
