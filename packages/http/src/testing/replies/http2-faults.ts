import { constants } from "node:http2";
import type { Reply } from "./steps.ts";

/** RST_STREAM with REFUSED_STREAM: nothing of the request was processed (RFC 9113 §8.7). */
export function refuseStream(): Reply {
  return [{ resetStream: constants.NGHTTP2_REFUSED_STREAM }];
}

/** RST_STREAM with this error code, INTERNAL_ERROR unless told otherwise; after a reply's steps it cuts them off. */
export function resetStream(code: number = constants.NGHTTP2_INTERNAL_ERROR): Reply {
  return [{ resetStream: code }];
}

/** Time for the GOAWAY to be read before the connection ends. */
const settle = 20;

/** GOAWAY below the stream, and the end of the connection: the request was not processed and will not be (RFC 9113 §6.8). */
export function goawayUnprocessed(code: number = constants.NGHTTP2_NO_ERROR): Reply {
  return [{ goaway: code, processed: false }, { wait: settle }, { end: "bare-fin" }];
}

/** GOAWAY that counts the stream as processed, put before the reply that still comes. */
export function goawayProcessed(code: number = constants.NGHTTP2_NO_ERROR): Reply {
  return [{ goaway: code, processed: true }];
}
