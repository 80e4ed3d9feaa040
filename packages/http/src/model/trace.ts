/** The connection events of one exchange. Events that did not happen are absent. Instants are on the session's clock, in milliseconds. */
export interface Trace {
  /** Whether the connection was used before. */
  readonly reused?: boolean | undefined;
  /** False if the exchange waited for a connection and got none. */
  readonly connected?: false;
  /** When a connection was available. Absent if one was available immediately. */
  readonly connectedAt?: number | undefined;
  /** The duration of each phase of opening a connection, successful or not. */
  readonly phases?: ConnectionPhases | undefined;
  /** When the head of the response arrived. */
  readonly headAt?: number | undefined;
  /** Bytes of head and body that were written. Unknown for HTTP/2. */
  readonly bytesSent?: number | undefined;
  /** Bytes of the response body, before decoding. */
  readonly bytesReceived?: number | undefined;
}

/** The duration of each phase of opening a connection, in milliseconds. A phase that was not needed is absent. */
export interface ConnectionPhases {
  /** Looking up the host name of the origin or the proxy. */
  readonly dns?: number;
  /** Connecting to the first address that accepts. */
  readonly tcp?: number;
  /** TLS with the proxy, and its CONNECT or SOCKS exchange. */
  readonly proxy?: number;
  /** TLS with the origin. */
  readonly tls?: number;
}

/** Receives the trace of an exchange. */
export interface Observer {
  /** Called when the exchange ends. For a streamed response, also called when its head arrives. */
  observe(trace: Trace): void;
  /**
   * Returns whether the call continues after a response with this head, whatever its body says, so that the body need not be
   * read. Without this method every body is read.
   */
  continuesWithoutBody?(head: ResponseHead): boolean;
  /** Adds milliseconds to the time of the call on the wire, and returns its sum. */
  addWireTime?(ms: number): number;
  /** The memory of the call for its body. Absent without a budget. */
  readonly memory?:
    | {
        /** Counts bytes. Returns whether the body may be read on; otherwise call `wait`. */
        add(bytes: number): boolean;
        /** Calls `resume` once the body may be read on. */
        wait(resume: () => void): void;
        /** Returns whether the body has kept others waiting for too long. */
        isOverdue(now: number): boolean;
      }
    | undefined;
}

/** The head of a response. */
export interface ResponseHead {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}
