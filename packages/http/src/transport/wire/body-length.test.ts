import assert from "node:assert/strict";
import { test } from "node:test";
import { UnsendableRequest } from "../errors/unsendable-request.ts";
import { checkLength, parseDeclaredLength } from "./body-length.ts";

/** Reads the pieces of a body of three bytes, and returns those that came before the error. */
async function read(pieces: readonly unknown[], length: number | undefined): Promise<readonly unknown[]> {
  const read: string[] = [];
  try {
    for await (const piece of checkLength(pieces as readonly Uint8Array[], length))
      read.push(Buffer.from(piece).toString());
  } catch (error) {
    assert.ok(error instanceof UnsendableRequest);
    return [...read, error.message];
  }
  return read;
}

const mustHave = (declared: number, got: string): string =>
  `The body must have the ${declared} bytes of its Content-Length header, got ${got}`;

for (const [what, pieces, length, expected] of [
  ["a body without a declared length", ["ab", "c"], undefined, ["ab", "c"]],
  ["a body of its declared length", ["ab", "c"], 3, ["ab", "c"]],
  ["an empty body of length 0", [], 0, []],
  ["empty pieces", ["", "ab", "", "c", ""], 3, ["ab", "c"]],
  ["a body that is one byte too long", ["ab", "c"], 2, [mustHave(2, "more")]],
  ["a body whose last piece is too long", ["a", "bc"], 2, ["a", mustHave(2, "more")]],
  ["a body that is too short", ["ab", "c"], 4, ["ab", "c", mustHave(4, "3")]],
  ["no body where some was declared", [], 4, [mustHave(4, "0")]],
  ["some body where none was declared", ["a"], 0, [mustHave(0, "more")]],
  [
    "a piece that is not bytes",
    ["a", 1],
    undefined,
    ["a", "A body stream must give strings or bytes, got number"],
  ],
] as const) {
  test(`checks ${what}`, async () => {
    assert.deepEqual(await read(pieces, length), expected);
  });
}

test("the piece that completes the length is given only after the source has ended", async () => {
  const events: string[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("ab");
    yield Buffer.from("c");
    events.push("ended");
  }

  for await (const piece of checkLength(source(), 3)) events.push(Buffer.from(piece).toString());

  assert.deepEqual(events, ["ab", "ended", "c"]);
});

test("a declared length is a whole number", () => {
  assert.equal(parseDeclaredLength("12"), 12);
  for (const wrong of ["", "-1", "1.5", "1e3", "twelve", ["1", "1"]])
    assert.throws(() => parseDeclaredLength(wrong), UnsendableRequest);
});
