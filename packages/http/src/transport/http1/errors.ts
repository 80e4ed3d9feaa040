/** The received bytes are not a valid HTTP/1.1 response. The message says what is wrong with them. */
export class MalformedResponse extends Error {}

/** The connection ended before the response was complete. */
export class ConnectionEnded extends Error {
  readonly code = "ECONNRESET";

  constructor() {
    super("The server closed the connection");
  }
}
