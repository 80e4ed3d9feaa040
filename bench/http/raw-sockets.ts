import { connect, type Socket } from "node:net";
import type { Get } from "./get.ts";

/** Returns a `get` without an HTTP client: it writes a head as text and counts bytes. The minimum for a GET. */
export function getOverRawSockets(origin: string): Get {
  const { host, hostname, port } = new URL(origin);
  const idle: RawConnection[] = [];
  return (url) => {
    const connection =
      idle.pop() ??
      new RawConnection(connect(Number(port), hostname), (idleConnection) => idle.push(idleConnection));
    return connection.send(`GET ${url.slice(origin.length)} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  };
}

/** One connection with one request at a time. The server must send a Content-Length. */
class RawConnection {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #received = 0;
  #headLength = 0;
  #responseLength = 0;
  #resolve: (body: Uint8Array) => void = () => undefined;

  constructor(socket: Socket, release: (connection: RawConnection) => void) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      this.#chunks.push(chunk);
      this.#received += chunk.length;
      if (this.#responseLength === 0) this.#readLengths(chunk);
      if (this.#received < this.#responseLength) return;
      const response = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
      this.#chunks = [];
      release(this);
      this.#resolve(response.subarray(this.#headLength, this.#responseLength));
    });
  }

  send(head: string): Promise<Uint8Array> {
    this.#received = 0;
    this.#responseLength = 0;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#socket.write(head, "latin1");
    });
  }

  #readLengths(chunk: Buffer): void {
    const text = chunk.toString("latin1", 0, 512);
    this.#headLength = text.indexOf("\r\n\r\n") + 4;
    this.#responseLength =
      this.#headLength + Number.parseInt(text.slice(text.indexOf("Content-Length: ") + 16), 10);
  }
}
