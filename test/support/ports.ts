import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { getPort } from "./loopback-server.ts";

/** A port of 127.0.0.1 on which nobody listened a moment ago. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("There is no free port");
  return port;
}

/** So many different ports of 127.0.0.1 on which nobody listened a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  // All are held at the same time, so that no two are the same.
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
