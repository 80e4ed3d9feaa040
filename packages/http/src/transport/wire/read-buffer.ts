import type { OnReadOpts, Socket } from "node:net";
import type { BodyMemory } from "../../model/body-memory.ts";

/** Receives the first `length` bytes of a buffer. */
export type ReadBytes = (buffer: Buffer, length: number) => void;

// The size of one read in Node.
const readBytes = 64 * 1024;

// A download reads more at once: fewer reads were measured to save a fifth of its processor time. The pieces of other streams
// stay small, because a reader that is slow keeps them in memory.
const largeReadBytes = 512 * 1024;

const largeBuffer = Buffer.allocUnsafeSlow(largeReadBytes);
const sharedBuffer = largeBuffer.subarray(0, readBytes);

const sharedReads = new WeakMap<Socket, SharedRead>();

/**
 * Has a socket read into one buffer, which all such sockets share. Node would allocate a buffer of 64 KiB for each read and
 * shrink it afterwards, which was measured to take a tenth of the time of a small request.
 */
export class SharedRead {
  #onBytes: ReadBytes | undefined;
  /** Whether the reads after the current one may bring up to 512 KiB instead of 64. */
  isLarge = false;

  /** Options to open the socket with. */
  readonly options: OnReadOpts = {
    // Called after each read, for the next one.
    buffer: () => (this.isLarge ? largeBuffer : sharedBuffer),
    callback: (length) => {
      this.#onBytes?.(largeBuffer, length);
      return true;
    },
  };

  /** Records the socket that was opened with these options. */
  attachTo(socket: Socket): void {
    sharedReads.set(socket, this);
  }

  /** Sets the receiver of the bytes. Bytes that arrive earlier are lost. */
  deliverTo(onBytes: ReadBytes): void {
    this.#onBytes = onBytes;
  }
}

/**
 * Passes all bytes of a socket to `onBytes`. Returns undefined unless they are in the shared buffer, which the next read
 * overwrites.
 */
export function readSocket(socket: Socket, onBytes: ReadBytes): SharedRead | undefined {
  const read = sharedReads.get(socket);
  read?.deliverTo(onBytes);
  // A socket that was read before, such as a tunnel, is paused. With a shared buffer, only a mock of connections emits data.
  socket.on("data", (bytes: Buffer) => onBytes(bytes, bytes.length)).resume();
  return read;
}

// A few reads. A larger buffer would occupy memory before it is certain that the body arrives.
const maxBodyBufferBytes = 256 * 1024;

/**
 * Copies the pieces of a body out of the shared buffer. When the length of the body is known, they are copied into one buffer, so
 * that joining them needs no further copy. That was measured to save a third of the processor time of a body of 100 KB.
 */
export class BodyBuffer {
  #expected = 0;
  #buffer: Buffer | undefined;
  #filled = 0;

  /** Starts a body of a length in bytes; 0 or less means unknown. */
  begin(expected: number): void {
    this.#expected = expected;
    this.#buffer = undefined;
    this.#filled = 0;
  }

  /** Whether a piece of this size is one of several that are copied into one buffer. */
  joins(size: number): boolean {
    return size < this.#expected && this.#expected <= maxBodyBufferBytes;
  }

  /** Copies the bytes from `start` to `end`. A body must not be longer than its expected length. */
  copy(bytes: Buffer, start: number, end: number): Buffer {
    const size = end - start;
    if (!this.joins(size)) {
      const whole = Buffer.allocUnsafe(size);
      bytes.copy(whole, 0, start, end);
      return whole;
    }
    this.#buffer ??= Buffer.allocUnsafeSlow(this.#expected);
    const from = this.#filled;
    this.#filled += bytes.copy(this.#buffer, from, start, end);
    return this.#buffer.subarray(from, this.#filled);
  }
}

/** New memory for each piece, which the reader may keep or modify. */
export const newMemory: BodyMemory = {
  copy: (bytes, start, end) => {
    const copy = Buffer.allocUnsafeSlow(end - start);
    bytes.copy(copy, 0, start, end);
    return copy;
  },
};
