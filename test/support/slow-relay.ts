import { connect, createServer } from "node:net";
import { listenOnLoopback, type LoopbackServer } from "./loopback-server.ts";

/** Passes bytes on both ways between a port on loopback and another one, the first ones of each connection after `delay` milliseconds. */
export function slowRelay(to: number, delay: number): Promise<LoopbackServer> {
  const server = createServer((near) => {
    near.on("error", () => undefined);
    setTimeout(() => {
      if (near.destroyed) return;
      const far = connect(to, "127.0.0.1").on("error", () => undefined);
      near.pipe(far).pipe(near);
      near.on("close", () => far.destroy());
      far.on("close", () => near.destroy());
    }, delay);
  });
  return listenOnLoopback(server);
}
