import type { OnReadOpts, Socket } from "node:net";

/** Takes the first `length` bytes of a buffer. */
export type Take = (buffer: Buffer, length: number) => void;

// As much as Node reads at once.
const shared = Buffer.allocUnsafeSlow(64 * 1024);

const reads = new WeakMap<Socket, SharedRead>();

/**
 * Has a socket read into one buffer, the same for all such sockets. Node by itself makes one of 64 KiB for each read and
 * gives back what was not needed, which was measured to be a tenth of a small request.
 */
export class SharedRead {
  #take: Take | undefined;

  /** What the socket is opened with. */
  readonly options: OnReadOpts = {
    buffer: shared,
    callback: (length) => {
      this.#take?.(shared, length);
      return true;
    },
  };

  /** Says which socket was opened with it. */
  of(socket: Socket): void {
    reads.set(socket, this);
  }

  /** Says where the bytes go; before that they go nowhere, so it must be known before any can come. */
  to(take: Take): void {
    this.#take = take;
  }
}

/** Has all that a socket reads given to `take`, and says whether that lies in a buffer which the next read overwrites. */
export function onBytes(socket: Socket, take: Take): boolean {
  const read = reads.get(socket);
  // A socket that was read before it was handed over stands still.
  if (read === undefined) socket.on("data", (bytes: Buffer) => take(bytes, bytes.length)).resume();
  else read.to(take);
  return read !== undefined;
}
