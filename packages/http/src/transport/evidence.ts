import { constants } from "node:http2";
import { codeOf } from "./happy-eyeballs.ts";
import { isGoaway, StaleConnection } from "./http2.ts";

/**
 * Whether an error proves that the server did not act on a request that was written: the stream was refused, or it lies
 * above the last one that a GOAWAY counts (RFC 9113 §6.8, §8.7).
 */
export function provesUnprocessed(error: unknown): boolean {
  if (error instanceof StaleConnection) return error.leftOut;
  if (!(error instanceof Error)) return false;
  if ("http2ErrorCode" in error && error.http2ErrorCode === constants.NGHTTP2_REFUSED_STREAM) return true;
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

/** Whether an error says that the connection ended, and nothing worse. */
export function isClosing(error: unknown): boolean {
  return error instanceof StaleConnection || closings.has(codeOf(error));
}
