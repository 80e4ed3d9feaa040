import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A port of 127.0.0.1 on which nobody listened a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("A TCP server has no TCP address");
  return address.port;
}

/** Resolves when something accepts connections on the port of 127.0.0.1; throws when nothing does `within` milliseconds. */
export async function waitForPort(port: number, within: number): Promise<void> {
  const until = performance.now() + within;
  while (!(await accepts(port))) {
    if (performance.now() >= until) throw new Error(`Nothing listened on port ${port} within ${within} ms`);
    await sleep(20);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
