import { connect, type Socket } from "node:net";
import type { Get } from "./get.ts";

/** What the machine takes for the sockets alone: a head written as text, and bytes counted instead of parsed. */
export function getOverRawSockets(origin: string): Get {
  const { host, hostname, port } = new URL(origin);
  const idle: RawConnection[] = [];
  return (url) => {
    const line = idle.pop() ?? new RawConnection(connect(Number(port), hostname), (free) => idle.push(free));
    return line.ask(`GET ${url.slice(origin.length)} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  };
}

/** One connection, one question at a time, to a server whose answers all have a Content-Length. */
class RawConnection {
  readonly #socket: Socket;
  #pieces: Buffer[] = [];
  #received = 0;
  #head = 0;
  #whole = 0;
  #resolve: (body: Uint8Array) => void = () => undefined;

  constructor(socket: Socket, release: (line: RawConnection) => void) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (piece) => {
      this.#pieces.push(piece);
      this.#received += piece.length;
      if (this.#whole === 0) this.#measure(piece);
      if (this.#received < this.#whole) return;
      const whole = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
      this.#pieces = [];
      release(this);
      this.#resolve(whole.subarray(this.#head, this.#whole));
    });
  }

  ask(head: string): Promise<Uint8Array> {
    this.#received = 0;
    this.#whole = 0;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#socket.write(head, "latin1");
    });
  }

  #measure(piece: Buffer): void {
    const text = piece.toString("latin1", 0, 512);
    this.#head = text.indexOf("\r\n\r\n") + 4;
    this.#whole = this.#head + Number.parseInt(text.slice(text.indexOf("Content-Length: ") + 16), 10);
  }
}
