import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** The state of a connection as the client sees it. */
export type Seen = "fin" | "rst" | "open";

/** A TCP client that sends raw text and keeps every received byte. */
export interface WireClient {
  readonly socket: Socket;
  send(text: string): void;
  get(path: string): void;
  /** Returns the received bytes, one character per byte. */
  text(): string;
  /** Resolves when the text contains `part`. Rejects if the connection ends first. */
  until(part: string): Promise<void>;
  /** Resolves at the end of the connection, or after `within` milliseconds. */
  ending(within?: number): Promise<Seen>;
}

/** Connects a client to a port of 127.0.0.1. */
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

/** Sends one GET on a new connection. Resolves with the received text and the state after `within` milliseconds. */
export async function exchangeOnce(
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
