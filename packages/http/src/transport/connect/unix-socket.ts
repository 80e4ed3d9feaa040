import net, { type Socket } from "node:net";
import { SharedRead } from "../wire/read-buffer.ts";
import { connectionError } from "./happy-eyeballs.ts";

export interface UnixSocketTarget {
  readonly socketPath: string;
  /** Has the socket read into the shared buffer. The user of the socket must read it with `readSocket`. */
  readonly sharedRead: boolean;
  /** Called when the connection is open. */
  readonly phaseEnded: (leg: "tcp") => void;
}

/**
 * Connects to a Unix socket, or to a named pipe on Windows.
 *
 * @throws ConnectionError with the platform's code; the signal's reason.
 */
export function connectUnixSocket(
  { socketPath, sharedRead, phaseEnded }: UnixSocketTarget,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const read = sharedRead ? new SharedRead() : undefined;
    const socket = net.connect({ path: socketPath, ...(read === undefined ? {} : { onread: read.options }) });
    read?.attachTo(socket);
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    socket.once("connect", () => {
      signal.removeEventListener("abort", abort);
      phaseEnded("tcp");
      resolve(socket);
    });
    // Never removed: an error before the next owner of the socket listens must not end the process.
    socket.on("error", (cause) => {
      signal.removeEventListener("abort", abort);
      reject(connectionError(socketPath, cause));
    });
  });
}
