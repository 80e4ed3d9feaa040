import { connect, createServer } from "node:net";
import { listenOnLoopback, type LoopbackServer } from "./loopback-server.ts";

const granted = Buffer.from([0, 90, 0, 0, 0, 0, 0, 0]);

/**
 * Starts a proxy on loopback that supports only SOCKS4. It connects to the requested address and closes connections that use
 * another protocol.
 */
export function socks4Proxy(): Promise<LoopbackServer> {
  const server = createServer((client) => {
    client.on("error", () => undefined);
    client.once("data", (request) => {
      if (request[0] !== 4 || request.length < 9) return client.destroy();
      const host = [...request.subarray(4, 8)].join(".");
      const target = connect(request.readUInt16BE(2), host, () => client.write(granted));
      target.on("error", () => client.destroy());
      client.on("close", () => target.destroy());
      client.pipe(target).pipe(client);
    });
  });
  return listenOnLoopback(server);
}
