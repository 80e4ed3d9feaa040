/** The connection ended before the response was complete. */
export class ConnectionEnded extends Error {
  readonly code = "ECONNRESET";

  constructor(options?: ErrorOptions) {
    super("The server closed the connection", options);
  }
}
