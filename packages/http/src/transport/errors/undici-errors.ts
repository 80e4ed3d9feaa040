import { errorCode } from "./error-code.ts";

/**
 * undici's words for what it tells in no other way. They decide whether a POST may be sent again, so that undici's version
 * is pinned: `evidence.test.ts` fails when it changes, or they do.
 */
export const undiciMessages = {
  /** A GOAWAY left a stream out. */
  goaway: 'HTTP/2: "GOAWAY" frame received',
  /** The head of a request (a frame of type 1) never went out. */
  unsent: 'HTTP/2: "frameError" received - type 1,',
  /** A stream ended, without an error of Node's. */
  streamEnd: "HTTP/2: stream ",
} as const;

/** The connection takes no request any more, and undici asked for another one in its place. */
export class StaleConnection extends Error {
  /** Whether a GOAWAY left the request out, so that the server has not acted on it though it was written. */
  readonly excludedByGoaway: boolean;

  constructor(leftOut: boolean) {
    super("The connection is gone");
    this.excludedByGoaway = leftOut;
  }
}

/** An HTTP/2 stream was reset without an error of Node's that says so; made like one, with the code of RFC 9113 §7. */
export class StreamResetError extends Error {
  readonly code = "ERR_HTTP2_STREAM_ERROR";
  readonly http2ErrorCode: number | undefined;

  constructor(http2ErrorCode: number | undefined) {
    super("The stream was reset before its end");
    this.http2ErrorCode = http2ErrorCode;
  }
}

/** Whether an error says that one HTTP/2 stream was reset, by either side, and not the connection. */
export function isStreamReset(error: unknown): boolean {
  return errorCode(error) === "ERR_HTTP2_STREAM_ERROR";
}

/** Whether an error says that a GOAWAY with an error code ended an HTTP/2 connection, and the streams that it counts. */
export function isGoawayError(error: unknown): boolean {
  return errorCode(error) === "ERR_HTTP2_SESSION_ERROR";
}

/** Whether Node ended an HTTP/2 connection because of what came on it: only such an error has a number of nghttp2's. */
export function isHttp2ProtocolError(error: unknown): boolean {
  return (
    errorCode(error).startsWith("ERR_HTTP2_") &&
    error instanceof Error &&
    "errno" in error &&
    typeof error.errno === "number"
  );
}

/** Whether an error is undici's for a GOAWAY. */
export function isGoawayMessage(error: Error): boolean {
  return error.message.startsWith(undiciMessages.goaway);
}

/** REFUSED_STREAM (RFC 9113 §7). */
export const refusedStream = 7;

/**
 * Whether an error proves that the server did not act on a request that was written: the stream was refused, or it lies
 * above the last one that a GOAWAY counts (RFC 9113 §6.8, §8.7).
 */
export function provesUnprocessed(error: unknown): boolean {
  if (error instanceof StaleConnection) return error.excludedByGoaway;
  if (!(error instanceof Error)) return false;
  // A whole connection may end with that code too, which says nothing of the streams that its GOAWAY counts.
  if (isStreamReset(error) && "http2ErrorCode" in error && error.http2ErrorCode === refusedStream)
    return true;
  return isGoawayMessage(error) || error.message.startsWith(undiciMessages.unsent);
}

const closedConnectionCodes: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "EPIPE",
  "ECONNABORTED",
  "UND_ERR_SOCKET",
  "UND_ERR_INFO",
]);

/** Whether an error says that the connection ended before the exchange did, or one stream of it, and nothing worse. */
export function isPrematureEnd(error: unknown): boolean {
  return error instanceof StaleConnection || closedConnectionCodes.has(errorCode(error));
}

/**
 * Whether an error says that one HTTP/2 stream ended without an answer, or before it was read, while its connection went
 * on: Node reports a reset with NO_ERROR or CANCEL (RFC 9113 §7) as an end, not as an error.
 */
export function isStreamEnd(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(undiciMessages.streamEnd);
}

/** Whether an error says that the connection itself ended, and nothing worse. */
export function isConnectionEnd(error: unknown): boolean {
  return isPrematureEnd(error) && !isStreamEnd(error);
}
