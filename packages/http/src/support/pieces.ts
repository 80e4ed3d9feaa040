// A body in chunks of one byte would otherwise take a hundred bytes of memory for each.
const minPieceBytes = 16 * 1024;
const blockBytes = 64 * 1024;

/** The memory of pieces that were joined here. */
const blocks = new WeakSet<ArrayBufferLike>();

/**
 * Adds a piece of a body to a list. Small pieces are joined as they arrive: the list needs at most a few times the memory of its
 * bytes, whatever their pieces. A piece that is added must not be modified.
 */
export function addPiece(pieces: Uint8Array[], piece: Uint8Array): void {
  const index = pieces.length - 1;
  const last = pieces[index];
  if (last === undefined) pieces.push(piece);
  else if (isAdjacent(last, piece)) pieces[index] = extend(last, piece.length);
  else if (piece.length >= minPieceBytes) {
    // The free part of the block would be lost.
    if (blocks.has(last.buffer)) pieces[index] = Buffer.from(last);
    pieces.push(piece);
  } else if (blocks.has(last.buffer) && endOf(last) + piece.length <= last.buffer.byteLength) {
    const joined = extend(last, piece.length);
    joined.set(piece, last.length);
    pieces[index] = joined;
  } else {
    const block = Buffer.allocUnsafeSlow(blockBytes);
    blocks.add(block.buffer);
    block.set(piece);
    pieces.push(block.subarray(0, piece.length));
  }
}

/** Joins pieces of `size` bytes in total, without a copy when they are adjacent slices of one buffer. */
export function joinPieces(pieces: readonly Uint8Array[], size: number): Buffer {
  const [first] = pieces;
  if (first === undefined || !pieces.every(followsPrevious)) return Buffer.concat(pieces, size);
  return Buffer.from(first.buffer, first.byteOffset, size);
}

function followsPrevious(piece: Uint8Array, index: number, pieces: readonly Uint8Array[]): boolean {
  const before = pieces[index - 1];
  return before === undefined || isAdjacent(before, piece);
}

function isAdjacent(before: Uint8Array, piece: Uint8Array): boolean {
  return before.buffer === piece.buffer && endOf(before) === piece.byteOffset;
}

function endOf({ byteOffset, length }: Uint8Array): number {
  return byteOffset + length;
}

function extend({ buffer, byteOffset, length }: Uint8Array, count: number): Buffer {
  return Buffer.from(buffer, byteOffset, length + count);
}
