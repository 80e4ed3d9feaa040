import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** Returns a port that refuses connections: it was bound and closed again. Another process may bind it later. */
export async function refusedPort(host: string = "127.0.0.1"): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error(`No port to listen on at ${host}`);
  return address.port;
}

/** A port at which connect() neither succeeds nor fails. */
export interface Blackhole extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** The code of a thread that listens and then sleeps, so that it never accepts. */
const listener = `
import { createServer } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
const server = createServer().listen({ ...workerData.at, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  setImmediate(() => Atomics.wait(workerData.awake, 0, 0));
});
`;

const answersWithin = 150;
const maxFillers = 16;

/**
 * Starts a listener with a full accept queue, so that the kernel drops every SYN: a connection attempt hangs until the
 * client gives up. Linux only: other systems refuse or accept.
 */
export async function blackhole(
  at: { readonly host?: string; readonly port?: number } = {},
): Promise<Blackhole> {
  const host = at.host ?? "127.0.0.1";
  const awake = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(listener, {
    eval: true,
    workerData: { at: { host, port: at.port ?? 0 }, awake },
  });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
  worker.unref();
  const fillers = await fill({ host, port });

  async function close(): Promise<void> {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  }

  return { host, port, url: `http://${host}:${port}`, close, [Symbol.asyncDispose]: close };
}

/** Opens connections until one is no longer accepted. */
async function fill(to: { readonly host: string; readonly port: number }): Promise<readonly Socket[]> {
  const fillers: Socket[] = [];
  while (fillers.length < maxFillers) {
    const socket = connect(to).on("error", ignore).unref();
    fillers.push(socket);
    if (!(await connectsInTime(socket))) return fillers;
  }
  for (const filler of fillers) filler.destroy();
  throw new Error("This system accepts connections beyond the backlog: no blackhole can be made");
}

function connectsInTime(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), answersWithin);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

function ignore(): void {}
