/** What the wire saw of one exchange; times are milliseconds, and absent for what did not happen. */
export interface Trace {
  /** Whether the connection had carried a request before; absent where there was none. */
  readonly reused?: boolean;
  /** From the start until there was a connection: waiting for one, or opening it. */
  readonly connection?: number;
  /** Of a new connection, how long each leg took. */
  readonly legs?: ConnectionLegs;
  /** From there to the head of the answer. */
  readonly headers?: number;
  /** From there to the end of the body. */
  readonly body?: number;
  /** Bytes that went out, head and body, as written to the connection; under HTTP/2 unknown. */
  readonly bytesSent?: number;
  /** Bytes of the body that came, as sent. */
  readonly bytesReceived?: number;
}

/** How long each leg of opening a connection took, in milliseconds; absent for what was not needed. */
export interface ConnectionLegs {
  /** Finding the addresses of the name. */
  readonly dns?: number;
  /** The first address that answered. */
  readonly tcp?: number;
  /** The proxy's own TLS, and its CONNECT or SOCKS exchange. */
  readonly proxy?: number;
  readonly tls?: number;
}

/** Whoever wants to know what the wire saw: called once the head is there or the exchange has failed, and again at the end of a streamed body. */
export interface Observer {
  observe(trace: Trace): void;
}
