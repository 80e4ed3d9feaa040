import assert from "node:assert/strict";
import { test } from "node:test";
import { HoldfastError } from "../core/errors.ts";
import { shorten } from "./shorten.ts";

class SampleError extends HoldfastError {
  readonly code = "ERR_SAMPLE";
}

test("shorten leaves a text of the longest length unchanged", () => {
  assert.equal(shorten("a".repeat(100), 100), "a".repeat(100));
});

test("shorten leaves out the middle of a longer text, and states its length", () => {
  const short = shorten(`begin${"-".repeat(1_000)}end`, 100);

  assert.equal(short.length, 100);
  assert.match(short, /^begin-+…\(1008 characters\)…-+end$/);
});

test("the message of an error keeps its beginning and its remedy around a long URL", () => {
  const { message } = new SampleError(
    `GET http://a.test/${"x".repeat(1_000_000)}: expected 200, got 500. Try later`,
  );

  assert.ok(message.length <= 2_000);
  assert.match(
    message,
    /^GET http:\/\/a\.test\/x+…\(\d+ characters\)…x+: expected 200, got 500\. Try later$/,
  );
});
