import assert from "node:assert/strict";
import { test } from "node:test";
import { RecycledMemory } from "./body-memory.ts";

const kilobytes = 64 * 1024;
const mebibyte = 1024 * 1024;

function take(memory: RecycledMemory, fill: number, bytes = kilobytes): Buffer {
  return memory.copy(Buffer.alloc(bytes + 2, fill), 1, bytes + 1);
}

test("recycled memory keeps every piece until it is released", () => {
  const memory = new RecycledMemory();
  const pieces = Array.from({ length: 100 }, (_, index) => take(memory, index));

  assert.ok(
    pieces.every((piece, index) => piece.length === kilobytes && piece.every((byte) => byte === index)),
  );
  assert.equal(new Set(pieces.map(({ buffer }) => buffer)).size, Math.ceil(100 / 8));
});

test("recycled memory uses a block again when all of its pieces were released", () => {
  const memory = new RecycledMemory();
  const buffers = new Set<ArrayBufferLike>();

  for (let round = 0; round < 20; round += 1) {
    const pieces = Array.from({ length: 8 }, (_, index) => take(memory, index));
    for (const { buffer } of pieces) buffers.add(buffer);
    assert.ok(pieces.every((piece, index) => piece[0] === index && piece.at(-1) === index));
    for (const piece of pieces) memory.release(piece);
  }

  assert.equal(buffers.size, 1);
});

test("recycled memory does not use a block again while one piece, or a part of one, is not released", () => {
  const memory = new RecycledMemory();
  const pieces = Array.from({ length: 8 }, () => take(memory, 7));
  for (const piece of pieces.slice(1)) memory.release(piece);
  memory.release(pieces[0]?.subarray(0, 10) ?? Buffer.alloc(0));

  const later = Array.from({ length: 32 }, () => take(memory, 9));

  assert.ok(later.every(({ buffer }) => buffer !== pieces[0]?.buffer));
  assert.equal(pieces[0]?.[20], 7);
});

test("recycled memory takes pieces of any size and ignores those of other memory", () => {
  const memory = new RecycledMemory();

  memory.release(Buffer.alloc(10));

  assert.equal(take(memory, 1, 3 * mebibyte).length, 3 * mebibyte);
  assert.equal(take(memory, 2, 0).length, 0);
});
