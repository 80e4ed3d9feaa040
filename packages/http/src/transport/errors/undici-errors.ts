import { errorCode } from "./error-code.ts";

/**
 * Beginnings of undici's error messages for events that have no code. They decide whether a POST may be sent again, so that the
 * version of undici is pinned. A test fails when the version or a message changes.
 */
export const undiciMessages = {
  /** A GOAWAY excluded a stream. */
  goaway: 'HTTP/2: "GOAWAY" frame received',
  /** The head of a request (a frame of type 1) was not sent. */
  unsent: 'HTTP/2: "frameError" received - type 1,',
  /** A stream ended without an error from Node. */
  streamEnd: "HTTP/2: stream ",
} as const;

/** The connection accepts no further request, and undici tried to open another one. */
export class StaleConnection extends Error {
  /** Whether a GOAWAY excluded the request, so that the server did not act on it although it was written. */
  readonly excludedByGoaway: boolean;

  constructor(leftOut: boolean) {
    super("The connection accepts no further request");
    this.excludedByGoaway = leftOut;
  }
}

/** An HTTP/2 stream was reset, and Node reported an end. The error has the form of Node's, with the code of RFC 9113 §7. */
export class StreamResetError extends Error {
  readonly code = "ERR_HTTP2_STREAM_ERROR";
  readonly http2ErrorCode: number | undefined;

  constructor(http2ErrorCode: number | undefined) {
    super("The stream was reset before its end");
    this.http2ErrorCode = http2ErrorCode;
  }
}

/** Returns whether an error means that one HTTP/2 stream was reset by either side, and not the connection. */
export function isStreamReset(error: unknown): boolean {
  return errorCode(error) === "ERR_HTTP2_STREAM_ERROR";
}

/** Returns whether an error means that a GOAWAY with an error code ended an HTTP/2 connection and the streams that it includes. */
export function isGoawayError(error: unknown): boolean {
  return errorCode(error) === "ERR_HTTP2_SESSION_ERROR";
}

/** Returns whether Node ended an HTTP/2 connection because of invalid input: only then the error has an `errno` of nghttp2. */
export function isHttp2ProtocolError(error: unknown): boolean {
  return (
    errorCode(error).startsWith("ERR_HTTP2_") &&
    error instanceof Error &&
    "errno" in error &&
    typeof error.errno === "number"
  );
}

/** Returns whether an error is undici's error for a GOAWAY. */
export function isUndiciGoaway(error: Error): boolean {
  return error.message.startsWith(undiciMessages.goaway);
}

/** The error code REFUSED_STREAM (RFC 9113 §7). */
export const refusedStream = 7;

/**
 * Returns whether an error proves that the server did not act on a request that was written: the stream was refused, or its
 * number is above the last one that a GOAWAY includes (RFC 9113 §6.8, §8.7).
 */
export function provesUnprocessed(error: unknown): boolean {
  if (error instanceof StaleConnection) return error.excludedByGoaway;
  if (!(error instanceof Error)) return false;
  // A connection may end with the same code, which proves nothing about the streams that its GOAWAY includes.
  if (isStreamReset(error) && "http2ErrorCode" in error && error.http2ErrorCode === refusedStream)
    return true;
  return isUndiciGoaway(error) || error.message.startsWith(undiciMessages.unsent);
}

const closedConnectionCodes: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "EPIPE",
  "ECONNABORTED",
  "UND_ERR_SOCKET",
  "UND_ERR_INFO",
]);

/** Returns whether an error means only that the connection, or one stream of it, ended before the exchange. */
export function isPrematureEnd(error: unknown): boolean {
  return error instanceof StaleConnection || closedConnectionCodes.has(errorCode(error));
}

/**
 * Returns whether an error means that one HTTP/2 stream ended early while its connection continued. Node reports a reset with
 * NO_ERROR or CANCEL (RFC 9113 §7) as an end, not as an error.
 */
export function isStreamEnd(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(undiciMessages.streamEnd);
}

/** Returns whether an error means only that the connection itself ended. */
export function isConnectionEnd(error: unknown): boolean {
  return isPrematureEnd(error) && !isStreamEnd(error);
}
