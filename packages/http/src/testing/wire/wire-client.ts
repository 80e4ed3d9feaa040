import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How a connection looks from the client's side. */
export type Seen = "fin" | "rst" | "open";

/** A TCP client that sends what it is told and keeps every byte that comes back. */
export interface WireClient {
  readonly socket: Socket;
  send(text: string): void;
  get(path: string): void;
  /** What has come so far, a character per byte. */
  text(): string;
  /** Waits until the text contains this, or fails when the connection ends first. */
  until(part: string): Promise<void>;
  /** Waits for the end of the connection, for at most so many milliseconds. */
  ending(within?: number): Promise<Seen>;
}

/** A client that is connected to a port of 127.0.0.1. */
export async function wireClient(port: number): Promise<WireClient> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const received: Buffer[] = [];
  let seen: Seen = "open";
  socket.on("data", (chunk) => received.push(chunk));
  socket.on("end", () => {
    seen = "fin";
    socket.end();
  });
  socket.on("error", () => {
    seen = "rst";
  });
  await Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => {});

  const text = (): string => Buffer.concat(received).toString("latin1");
  const send = (bytes: string): void => {
    socket.write(bytes, "latin1");
  };
  return {
    socket,
    send,
    get: (path) => send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`),
    text,
    async until(part) {
      while (!text().includes(part)) {
        if (seen !== "open" || socket.closed) throw new Error(`Ended before ${part}: ${text()}`);
        await Promise.race([once(socket, "data"), once(socket, "close")]);
      }
    },
    async ending(within = 1_000) {
      if (!socket.closed) await Promise.race([once(socket, "close").catch(() => {}), sleep(within)]);
      return seen;
    },
  };
}

/** One GET on a connection of its own: what came back, and how it ended within so many milliseconds. */
export async function exchange(
  port: number,
  path: string,
  within: number = 200,
): Promise<{ text: string; end: Seen }> {
  const client = await wireClient(port);
  client.get(path);
  const end = await client.ending(within);
  client.socket.destroy();
  return { text: client.text(), end };
}
