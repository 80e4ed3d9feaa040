import { once } from "node:events";
import { connect, createServer } from "node:net";

/** A proxy on loopback that speaks SOCKS4 and nothing else. */
export interface Socks4 extends AsyncDisposable {
  readonly port: number;
}

const granted = Buffer.from([0, 90, 0, 0, 0, 0, 0, 0]);

/** Starts one: it connects to the address that it is told, and hangs up on whoever speaks otherwise. */
export async function socks4(): Promise<Socks4> {
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
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("A TCP server has no TCP address");
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
