import { once } from "node:events";
import type { Server, Socket } from "node:net";

/** A server that listens on loopback. Disposing of it closes the server and all connections. */
export interface LoopbackServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts a server on a free port of 127.0.0.1. */
export async function listenOnLoopback(server: Server): Promise<LoopbackServer> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: getPort(server),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Returns the port that a TCP server listens on. */
export function getPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no TCP address");
  return address.port;
}
