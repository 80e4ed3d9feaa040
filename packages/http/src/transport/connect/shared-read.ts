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
