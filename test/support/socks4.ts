import { connect, createServer } from "node:net";
import { listenOnLoopback, type LoopbackServer } from "./loopback-server.ts";

const granted = Buffer.from([0, 90, 0, 0, 0, 0, 0, 0]);

/**
 * A proxy on loopback that speaks SOCKS4 and nothing else: it connects to the address that it is told, and hangs up on
 * whoever speaks otherwise.
 */
export function socks4Proxy(): Promise<LoopbackServer> {
  const server = createServer((near) => {
    near.on("error", () => undefined);
    near.once("data", (request) => {
      if (request[0] !== 4 || request.length < 9) return near.destroy();
      const host = [...request.subarray(4, 8)].join(".");
      const far = connect(request.readUInt16BE(2), host, () => near.write(granted));
      far.on("error", () => near.destroy());
      near.on("close", () => far.destroy());
      near.pipe(far).pipe(near);
    });
  });
  return listenOnLoopback(server);
}
