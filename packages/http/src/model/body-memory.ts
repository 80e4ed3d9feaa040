/** Memory for the pieces of a streamed body. */
export interface BodyMemory {
  /** Copies the bytes from `start` to `end`. */
  copy(bytes: Buffer, start: number, end: number): Buffer;
}

/** A block of memory that holds several pieces. */
interface Block {
  readonly memory: Buffer;
  /** Bytes that were handed out since the block was last empty. */
  filled: number;
  /** Bytes of pieces that were not released. */
  used: number;
}

// Few enough bytes that two blocks stay in the cache of a processor.
const blockBytes = 512 * 1024;

/**
 * Memory for a reader that releases each piece when it no longer needs the bytes. New memory for each piece was measured to
 * cost half of the processor time of a large download: page faults, and garbage collections because of its size.
 *
 * A piece that is never released costs its block, which the garbage collector then frees.
 */
export class RecycledMemory implements BodyMemory {
  readonly #blocks = new WeakMap<ArrayBufferLike, Block>();
  readonly #free: Block[] = [];
  #current: Block | undefined;

  copy(bytes: Buffer, start: number, end: number): Buffer {
    const block = this.#blockFor(end - start);
    const from = block.filled;
    block.filled += bytes.copy(block.memory, from, start, end);
    block.used += block.filled - from;
    return block.memory.subarray(from, block.filled);
  }

  /** Takes a piece back. Its bytes may be overwritten from now on. Ignores pieces of other memory. */
  release(piece: Uint8Array): void {
    const block = this.#blocks.get(piece.buffer);
    if (block === undefined) return;
    block.used -= piece.length;
    if (block.used === 0 && block !== this.#current) this.#free.push(block);
  }

  #blockFor(size: number): Block {
    const current = this.#current;
    if (current !== undefined && current.filled + size <= current.memory.length) return current;
    if (current?.used === 0) this.#free.push(current);
    const free = size <= blockBytes ? this.#free.pop() : undefined;
    const block = free ?? this.#allocate(Math.max(size, blockBytes));
    block.filled = 0;
    this.#current = block;
    return block;
  }

  #allocate(size: number): Block {
    const block = { memory: Buffer.allocUnsafeSlow(size), filled: 0, used: 0 };
    this.#blocks.set(block.memory.buffer, block);
    return block;
  }
}
