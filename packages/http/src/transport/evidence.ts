import { codeOf } from "./code-of.ts";

/** The connection takes no request any more, and undici asked for another one in its place. */
export class StaleConnection extends Error {
  /** Whether a GOAWAY left the request out, so that the server has not acted on it though it was written. */
  readonly leftOut: boolean;

  constructor(leftOut: boolean) {
    super("The connection is gone");
    this.leftOut = leftOut;
  }
}

/** Whether an error is undici's for a GOAWAY. */
export function isGoaway(error: Error): boolean {
  return error.message.startsWith('HTTP/2: "GOAWAY" frame received');
}

// RFC 9113 §7.
const refusedStream = 7;

/**
 * Whether an error proves that the server did not act on a request that was written: the stream was refused, or it lies
 * above the last one that a GOAWAY counts (RFC 9113 §6.8, §8.7).
 */
export function provesUnprocessed(error: unknown): boolean {
  if (error instanceof StaleConnection) return error.leftOut;
  if (!(error instanceof Error)) return false;
  if ("http2ErrorCode" in error && error.http2ErrorCode === refusedStream) return true;
  // undici's words for a stream that the GOAWAY leaves out, and for a head that was never sent because of one.
  return isGoaway(error) || /"frameError" received - type 1,/.test(error.message);
}

const closings: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "EPIPE",
  "ECONNABORTED",
  "UND_ERR_SOCKET",
  "UND_ERR_INFO",
]);

/** Whether an error says that the connection ended, or a stream of it, and nothing worse. */
export function isClosing(error: unknown): boolean {
  return error instanceof StaleConnection || closings.has(codeOf(error));
}

/**
 * Whether an error says that the server ended a stream and left the connection open: Node tells of CANCEL and NO_ERROR
 * (RFC 9113 §7) by the stream's end alone, which undici puts in words of its own.
 */
export function isStreamEnd(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("HTTP/2: stream ");
}

/** Whether an error says that the connection itself ended, and nothing worse. */
export function endsConnection(error: unknown): boolean {
  return isClosing(error) && !isStreamEnd(error);
}
