import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { joinPieces } from "../../support/pieces.ts";
import { BodyBuffer, newMemory } from "./read-buffer.ts";

const shared = Buffer.alloc(100);

/** Copies pieces of these sizes out of a buffer that is overwritten each time. */
function copied(room: BodyBuffer, sizes: readonly number[]): readonly Buffer[] {
  return sizes.map((size, index) => {
    shared.fill(index + 1);
    return room.copy(shared, 1, 1 + size);
  });
}

test("pieces keep their content and join to the received body for any expected length", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 });

  fc.assert(
    fc.property(sizes, fc.constantFrom(-2, -1, 0, 1), (all, announced) => {
      const size = all.reduce((sum, each) => sum + each, 0);
      const room = new BodyBuffer();
      room.begin(announced > 0 ? size : announced);

      const pieces = copied(room, all);
      shared.fill(0);

      const expected = all.flatMap((each, index) => Array.from({ length: each }, () => index + 1));
      assert.deepEqual([...joinPieces(pieces, size)], expected);
    }),
  );
});

test("pieces of a body of known length join without a copy", () => {
  const room = new BodyBuffer();
  room.begin(30);
  const pieces = copied(room, [10, 15, 5]);

  const whole = joinPieces(pieces, 30);

  assert.equal(whole.buffer, pieces[0]?.buffer);
  assert.equal(whole.length, whole.buffer.byteLength);
});

test("bodies never share a buffer", () => {
  const room = new BodyBuffer();
  room.begin(20);
  const first = copied(room, [10, 10]);
  room.begin(20);
  const second = copied(room, [10, 10]);

  assert.notEqual(first[0]?.buffer, second[0]?.buffer);
  assert.deepEqual([...joinPieces(first, 20)], [...joinPieces(second, 20)]);
});

test("a large body allocates no buffer before it arrives", () => {
  const room = new BodyBuffer();
  room.begin(1e12);

  assert.deepEqual(
    copied(room, [10, 20]).map(({ length }) => length),
    [10, 20],
  );
});

test("pieces that are not adjacent are copied", () => {
  const bytes = Buffer.from("abcdef");
  const elsewhere = Buffer.from("__XX__");
  const seeming = [bytes.subarray(0, 2), elsewhere.subarray(2, 4), bytes.subarray(4, 6)];
  const turned = [bytes.subarray(2, 4), bytes.subarray(0, 2)];

  assert.equal(joinPieces(seeming, 6).toString(), "abXXef");
  assert.equal(joinPieces(turned, 4).toString(), "cdab");
});

test("new memory gives each piece its own buffer", () => {
  const bytes = Buffer.from("abcdef");
  const copy = newMemory.copy(bytes, 1, 4);
  bytes.fill(0);

  assert.deepEqual([copy.toString(), copy.buffer.byteLength], ["bcd", 3]);
});

test("only the pieces of a body of known and moderate length are joined", () => {
  const room = new BodyBuffer();
  const joins = (expected: number, size: number): boolean => {
    room.begin(expected);
    return room.joins(size);
  };

  assert.deepEqual(
    [joins(100, 60), joins(100, 100), joins(-1, 60), joins(0, 60), joins(1e12, 60)],
    [true, false, false, false, false],
  );
});
