import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { addPiece, joinPieces } from "./pieces.ts";

/** The bytes of memory that a list holds: its buffers, and a hundred bytes for each piece. */
function memoryOf(pieces: readonly Uint8Array[]): number {
  const buffers = new Set(pieces.map(({ buffer }) => buffer));
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 100 * pieces.length);
}

test("a body in pieces of any size is joined to the same bytes, and takes at most a few times their memory", () => {
  const sizes = fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 16_383, 16_384, 65_536), fc.nat(200)), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(sizes, (lengths) => {
      const parts = lengths.map((length, index) => Buffer.alloc(length, index));
      const pieces: Uint8Array[] = [];

      for (const part of parts) addPiece(pieces, part);

      const whole = Buffer.concat(parts);
      assert.deepEqual(joinPieces(pieces, whole.length), whole);
      assert.ok(memoryOf(pieces) <= 3 * whole.length + 2 * 65_536 + 200);
    }),
  );
});

test("a million pieces of one byte take about the memory of a megabyte", () => {
  const pieces: Uint8Array[] = [];

  for (let count = 0; count < 1_000_000; count += 1) addPiece(pieces, Buffer.from([count % 256]));

  assert.ok(pieces.length < 20);
  assert.ok(memoryOf(pieces) < 1_200_000);
});

test("adjacent slices of one buffer are joined without a copy", () => {
  const buffer = Buffer.allocUnsafeSlow(100);
  const pieces: Uint8Array[] = [];

  for (let at = 0; at < 100; at += 10) addPiece(pieces, buffer.subarray(at, at + 10));

  assert.deepEqual([pieces.length, pieces[0]?.buffer === buffer.buffer], [1, true]);
});
