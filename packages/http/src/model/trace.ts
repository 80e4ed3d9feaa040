/** What the wire saw of one exchange; absent is what did not happen. Instants are on the clock of the session, in milliseconds. */
export interface Trace {
  /** Whether the connection had carried a request before. */
  readonly reused?: boolean | undefined;
  /** False where there was no connection to the end of it, though one was waited for. */
  readonly connected?: false;
  /** When there was a connection, a kept one or a new one; absent where there was one at once. */
  readonly connectedAt?: number | undefined;
  /** Of a new connection, or of one that could not be opened, how long each leg took. */
  readonly phases?: ConnectionPhases | undefined;
  /** When the head of the answer came. */
  readonly headAt?: number | undefined;
  /** Bytes of head and body that were written; unknown under HTTP/2. */
  readonly bytesSent?: number | undefined;
  /** Bytes of the body that came, as sent. */
  readonly bytesReceived?: number | undefined;
}

/** How long each leg of opening a connection took, in milliseconds; absent for what was not needed. */
export interface ConnectionPhases {
  /** Finding the addresses of the name, the origin's or the proxy's. */
  readonly dns?: number;
  /** Until the first address answered. */
  readonly tcp?: number;
  /** The proxy's own TLS, and its CONNECT or SOCKS exchange. */
  readonly proxy?: number;
  /** The origin's TLS. */
  readonly tls?: number;
}

/** Whoever wants to know what the wire saw: told when an exchange ends, and of a streamed one also when its head is there. */
export interface Observer {
  observe(trace: Trace): void;
  /**
   * Whether the call goes on after an answer with this head, whatever its body says, so that the body need not be waited
   * for. Without it every body is.
   */
  continuesWithoutBody?(head: ResponseHead): boolean;
}

/** The head of an answer. */
export interface ResponseHead {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}
