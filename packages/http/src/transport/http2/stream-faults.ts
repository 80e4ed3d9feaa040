import type { ClientHttp2Session } from "node:http2";

// NGHTTP2_ERR_PROTO of nghttp2, which Node puts into `errno`.
const protocolFault = -505;

/**
 * Keeps a session of Node when one response breaks a rule, such as a body longer than its Content-Length.
 *
 * RFC 9113 §8.1.1 makes that an error of the stream, and nghttp2 resets the stream alone. Node handles it as an error of the
 * connection and destroys the session, with all other streams. This class replaces `destroy` of the session: it waits until
 * nghttp2 has sent its reaction, and destroys the session unless that was the reset of a stream.
 */
export class StreamFaults {
  readonly #session: ClientHttp2Session;
  readonly #destroySession: (error?: Error, code?: number) => void;
  #fault: Error | undefined;

  constructor(session: ClientHttp2Session) {
    this.#session = session;
    this.#destroySession = session.destroy.bind(session);
    session.destroy = (error?: Error, code?: number) => this.#destroy(error, code);
  }

  /** Whether it is unknown if the connection will continue. */
  get isPending(): boolean {
    return this.#fault !== undefined;
  }

  /** Called when this side has reset a stream for a violation of the protocol. */
  streamReset(): void {
    this.#fault = undefined;
  }

  /** Destroys the session if a violation of the protocol was not that of a stream. */
  check(): void {
    const fault = this.#fault;
    if (fault === undefined || this.#session.destroyed) return;
    // The reaction waits until the socket has taken what was written before.
    if ((this.#session.state.outboundQueueSize ?? 0) > 0) return;
    this.#destroySession(fault);
  }

  #destroy(error: Error | undefined, code: number | undefined): void {
    if (!isProtocolFault(error)) return this.#destroySession(error, code);
    if (this.#fault !== undefined) return;
    this.#fault = error;
    setImmediate(() => this.check());
  }
}

function isProtocolFault(error: unknown): error is Error {
  return error instanceof Error && "errno" in error && error.errno === protocolFault;
}
