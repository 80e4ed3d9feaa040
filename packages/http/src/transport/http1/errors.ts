/** What came is not an answer in HTTP/1.1; the message says what is wrong with it. */
export class MalformedResponse extends Error {}

/** The connection ended before the answer was whole. */
export class ConnectionEnded extends Error {
  readonly code = "ECONNRESET";

  constructor() {
    super("The other side closed the connection");
  }
}

/** The request cannot be sent as the caller wants it: a mistake of the caller's. */
export class UnsendableRequest extends TypeError {}
