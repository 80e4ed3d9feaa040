/** The memory of pieces that nothing but their body refers to. */
const disposable = new WeakSet<ArrayBufferLike>();

/** Returns the content of a blob in pieces of at most 64 KiB. `freePiece` may free their memory. */
export async function* blobPieces(blob: Blob): AsyncGenerator<Uint8Array> {
  const pieces: ReadableStream<Uint8Array> = blob.stream();
  for await (const piece of pieces) {
    disposable.add(piece.buffer);
    yield piece;
  }
}

/** Returns whether `freePiece` may free the memory of a piece. */
export function isFreeable({ buffer }: Uint8Array): boolean {
  return disposable.has(buffer);
}

/**
 * Frees the memory of a piece that was sent. The garbage collector runs only after 64 MB of such pieces, which do not count
 * as its own memory.
 */
export function freePiece({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && disposable.delete(buffer)) buffer.transfer(0);
}
