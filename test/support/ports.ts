import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { getPort } from "./loopback-server.ts";

/** Returns a port of 127.0.0.1 on which no program listens. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("No port is free");
  return port;
}

/** Returns `count` different ports of 127.0.0.1 on which no program listens. */
export async function freePorts(count: number): Promise<readonly number[]> {
  // All are open at the same time, so that no two are the same.
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  return Promise.all(
    servers.map(async (server) => {
      const port = getPort(server);
      server.close();
      await once(server, "close");
      return port;
    }),
  );
}

/** Resolves when a program accepts connections on the port of 127.0.0.1. Rejects after `within` milliseconds. */
export async function waitForPort(port: number, within: number): Promise<void> {
  const until = performance.now() + within;
  while (!(await accepts(port))) {
    if (performance.now() >= until)
      throw new Error(`No program listened on port ${port} within ${within} ms`);
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
