import { constants } from "node:http2";
import type { Reply } from "./steps.ts";

/** Sends RST_STREAM with REFUSED_STREAM: the request was not processed (RFC 9113 §8.7). */
export function refuseStream(): Reply {
  return [{ resetStream: constants.NGHTTP2_REFUSED_STREAM }];
}

/** Sends RST_STREAM with this error code (default INTERNAL_ERROR). After the steps of a reply it cuts the reply off. */
export function resetStream(code: number = constants.NGHTTP2_INTERNAL_ERROR): Reply {
  return [{ resetStream: code }];
}

/** Milliseconds for the peer to read the GOAWAY before the connection ends. */
const settle = 20;

/** Sends a GOAWAY that excludes the stream, then ends the connection: the request was not processed (RFC 9113 §6.8). */
export function goawayUnprocessed(code: number = constants.NGHTTP2_NO_ERROR): Reply {
  return [{ goaway: code, processed: false }, { wait: settle }, { end: "bare-fin" }];
}

/** Sends a GOAWAY that includes the stream. Put it before the reply, which still arrives. */
export function goawayProcessed(code: number = constants.NGHTTP2_NO_ERROR): Reply {
  return [{ goaway: code, processed: true }];
}
