import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A relay on loopback in front of a port; disposing of it ends every connection. */
export interface Relay extends AsyncDisposable {
  readonly port: number;
}

/** Passes bytes on both ways, the first ones of each connection after `delay` milliseconds. */
export async function slowRelay(to: number, delay: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    setTimeout(() => {
      if (near.destroyed) return;
      const far = keep(connect(to, "127.0.0.1"));
      near.pipe(far).pipe(near);
      near.on("close", () => far.destroy());
      far.on("close", () => near.destroy());
    }, delay);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server has no TCP address");
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
