import type { Socket } from "node:net";

const underlyingSockets = new WeakMap<Socket, Socket>();

// The records that an alert can be, in bytes: TLS 1.3 (RFC 8446 §5.2), and in TLS 1.2 ChaCha20, AES-GCM, and AES-CBC with each of
// its hashes. A data record that was cut after just as many is taken for one.
const alertSizes = new Set([24, 23, 31, 53, 57, 69, 85]);

/** Says on what a secure socket stands, if its end has to be announced. */
export function expectCloseNotify(secured: Socket, socket: Socket): void {
  underlyingSockets.set(secured, socket);
}

/**
 * Tells whether a TLS connection ends with close_notify (RFC 8446 §6.1): without it, what is delimited by the end alone is
 * incomplete (RFC 9112 §9.8). Node gives both ends the same face, but not at the same time: to an announced one belongs an
 * alert, bytes that give no data. They came behind the last data, or with it, and then the end follows in the same turn.
 */
export class CloseNotify {
  readonly #socket: Socket;
  /** What had come for the last data, in bytes on the wire. */
  #bytes = 0;
  /** Whether it came in the present turn of the event loop. */
  #fresh = false;
  #announced = false;

  private constructor(secured: Socket, socket: Socket) {
    this.#socket = socket;
    this.#note();
    const push = secured.push.bind(secured);
    secured.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null) this.#announced = this.#alertHasCome;
      else this.#note();
      return push(chunk, encoding);
    };
  }

  /** Watches for the end of a socket from within the turn in which it gave data; undefined where it need not be announced. */
  static watch(secured: Socket): CloseNotify | undefined {
    const socket = underlyingSockets.get(secured);
    return socket === undefined ? undefined : new CloseNotify(secured, socket);
  }

  /** Whether the connection has ended, and said so. */
  get received(): boolean {
    return this.#announced;
  }

  get #alertHasCome(): boolean {
    const more = this.#socket.bytesRead - this.#bytes;
    return more === 0 ? this.#fresh : alertSizes.has(more);
  }

  #note(): void {
    this.#bytes = this.#socket.bytesRead;
    if (this.#fresh) return;
    this.#fresh = true;
    setImmediate(() => (this.#fresh = false));
  }
}
