import type { OnReadOpts, Socket } from "node:net";

/** Takes the first `length` bytes of a buffer. */
export type ReadBytes = (buffer: Buffer, length: number) => void;

// As much as Node reads at once.
const sharedBuffer = Buffer.allocUnsafeSlow(64 * 1024);

const sharedReads = new WeakMap<Socket, SharedRead>();

/**
 * Has a socket read into one buffer, the same for all such sockets. Node by itself makes one of 64 KiB for each read and
 * gives back what was not needed, which was measured to be a tenth of a small request.
 */
export class SharedRead {
  #take: ReadBytes | undefined;

  /** What the socket is opened with. */
  readonly options: OnReadOpts = {
    buffer: sharedBuffer,
    callback: (length) => {
      this.#take?.(sharedBuffer, length);
      return true;
    },
  };

  /** Says which socket was opened with it. */
  attachTo(socket: Socket): void {
    sharedReads.set(socket, this);
  }

  /** Says where the bytes go; before that they go nowhere, so it must be known before any can come. */
  deliverTo(take: ReadBytes): void {
    this.#take = take;
  }
}

/** Has all that a socket reads given to `take`, and says whether that lies in a buffer which the next read overwrites. */
export function readSocket(socket: Socket, take: ReadBytes): boolean {
  const read = sharedReads.get(socket);
  // A socket that was read before it was handed over stands still.
  if (read === undefined) socket.on("data", (bytes: Buffer) => take(bytes, bytes.length)).resume();
  else read.deliverTo(take);
  return read !== undefined;
}

// A few reads' worth: a larger body would only take memory before it is sure to come.
const maxBodyBufferBytes = 256 * 1024;

/**
 * Copies the pieces of a body out of a buffer that will be overwritten, one behind the other where it was announced how
 * long the body is: to put it together is then to name it. Of a body of 100 KB that was measured to save a third of the
 * processor time.
 */
export class BodyBuffer {
  #announced = 0;
  #room: Buffer | undefined;
  #filled = 0;

  /** Another body comes, this long; zero or less where that is not known. */
  begin(announced: number): void {
    this.#announced = announced;
    this.#room = undefined;
    this.#filled = 0;
  }

  /** Copies what lies between the two places; announced bodies must not become longer. */
  copy(bytes: Buffer, start: number, end: number): Buffer {
    const size = end - start;
    if (size >= this.#announced || this.#announced > maxBodyBufferBytes) {
      const whole = Buffer.allocUnsafe(size);
      bytes.copy(whole, 0, start, end);
      return whole;
    }
    this.#room ??= Buffer.allocUnsafeSlow(this.#announced);
    const from = this.#filled;
    this.#filled += bytes.copy(this.#room, from, start, end);
    return this.#room.subarray(from, this.#filled);
  }
}

/** Copies what lies between the two places into a buffer of its own, which its reader may do with as it likes. */
export function copyBytes(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}

/** Puts pieces together that are `size` bytes in all; without a copy where they lie one behind the other in one buffer. */
export function joinPieces(pieces: readonly Buffer[], size: number): Buffer {
  const [first] = pieces;
  if (first === undefined || !pieces.every(isAdjacent)) return Buffer.concat(pieces, size);
  return Buffer.from(first.buffer, first.byteOffset, size);
}

function isAdjacent(piece: Buffer, index: number, pieces: readonly Buffer[]): boolean {
  const before = pieces[index - 1];
  if (before === undefined) return true;
  return before.buffer === piece.buffer && before.byteOffset + before.length === piece.byteOffset;
}
