/** The connection ended before the response was complete. */
export class ConnectionEnded extends Error {
  readonly code = "ECONNRESET";

  constructor() {
    super("The server closed the connection");
  }
}
