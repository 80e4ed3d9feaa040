import { connect, createServer } from "node:net";
import { listenOnLoopback, type LoopbackServer } from "./loopback-server.ts";

/** Starts a relay from a free loopback port to the port `to`. It starts to pass bytes on after `delay` milliseconds per connection. */
export function slowRelay(to: number, delay: number): Promise<LoopbackServer> {
  const server = createServer((client) => {
    client.on("error", () => undefined);
    setTimeout(() => {
      if (client.destroyed) return;
      const target = connect(to, "127.0.0.1").on("error", () => undefined);
      client.pipe(target).pipe(client);
      client.on("close", () => target.destroy());
      target.on("close", () => client.destroy());
    }, delay);
  });
  return listenOnLoopback(server);
}
