import type { Socket } from "node:net";

const underlyingSockets = new WeakMap<Socket, Socket>();

// Sizes in bytes of records that can hold an alert: TLS 1.3 (RFC 8446 §5.2), and TLS 1.2 with ChaCha20, AES-GCM, and AES-CBC with
// each of its hashes. A data record that was cut after exactly as many bytes is mistaken for an alert.
const alertSizes = new Set([24, 23, 31, 53, 57, 69, 85]);

/** Records the socket under a TLS socket that must announce its end. */
export function expectCloseNotify(secured: Socket, socket: Socket): void {
  underlyingSockets.set(secured, socket);
}

/**
 * Detects whether a TLS connection ends with close_notify (RFC 8446 §6.1). Without it, a body that ends with the connection
 * is incomplete (RFC 9112 §9.8).
 *
 * Node reports both ends in the same way, but not at the same time. An announced end has an alert: received bytes that
 * contain no data. They arrive after the last data, or together with it, and then the end follows in the same turn.
 */
export class CloseNotify {
  readonly #socket: Socket;
  /** Bytes that the underlying socket had received with the last data. */
  #bytes = 0;
  /** Whether the last data arrived in the current turn of the event loop. */
  #fresh = false;
  #received = false;

  private constructor(secured: Socket, socket: Socket) {
    this.#socket = socket;
    this.#recordData();
    const push = secured.push.bind(secured);
    secured.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null) this.#received = this.#hasAlertArrived;
      else this.#recordData();
      return push(chunk, encoding);
    };
  }

  /**
   * Starts watching a socket. Call it in the turn in which the socket gave data. Returns undefined when the end need not be
   * announced.
   */
  static watch(secured: Socket): CloseNotify | undefined {
    const socket = underlyingSockets.get(secured);
    return socket === undefined ? undefined : new CloseNotify(secured, socket);
  }

  /** Whether the connection has ended with close_notify. */
  get received(): boolean {
    return this.#received;
  }

  get #hasAlertArrived(): boolean {
    const more = this.#socket.bytesRead - this.#bytes;
    return more === 0 ? this.#fresh : alertSizes.has(more);
  }

  #recordData(): void {
    this.#bytes = this.#socket.bytesRead;
    if (this.#fresh) return;
    this.#fresh = true;
    setImmediate(() => (this.#fresh = false));
  }
}
