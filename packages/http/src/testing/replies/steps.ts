import type { Head, HeaderLine } from "./head.ts";

/** Bytes for the wire. A string is sent as UTF-8. */
export type Bytes = string | Uint8Array;

/**
 * How a connection ends: `fin` closes it in order (HTTP/2: ends the stream), `rst` resets the TCP connection, `bare-fin` is a
 * FIN without the TLS close_notify or the GOAWAY that belong before it (RFC 9112 §9.8), `hang` leaves it open and silent
 * until the peer goes.
 */
export type Ending = "fin" | "rst" | "bare-fin" | "hang";

/** Sends bytes in one write, or `by` bytes every `every` milliseconds. HTTP/2 sends them as DATA. */
export interface Send {
  readonly send: Bytes;
  readonly by?: number;
  readonly every?: number;
}

/** Sends the same bytes repeatedly, `every` milliseconds apart, forever unless `times` is given. */
export interface Repeat {
  readonly repeat: Bytes;
  readonly every?: number;
  readonly times?: number;
}

/**
 * One chunk of a chunked body (RFC 9112 §7.1). `extension` is text such as `;name=value`; `size` replaces the size line, even
 * by a wrong one. HTTP/2 has no chunks and sends the bytes alone.
 */
export interface Chunk {
  readonly chunk: Bytes;
  readonly extension?: string;
  readonly size?: string;
}

/** The end of a chunked body, with its trailer lines (RFC 9112 §7.1.2). HTTP/2 sends nothing for it. */
export interface LastChunk {
  readonly lastChunk: readonly HeaderLine[];
}

/**
 * Steps to play later on the same HTTP/1 connection: after `whenIdle` milliseconds without a request, at the first byte of
 * the next request (which is then neither read nor recorded), or instead of the reply to the next request.
 */
export type Afterwards =
  | { readonly whenIdle: number; readonly play: Reply }
  | { readonly whenNextByte: Reply }
  | { readonly whenNextRequest: Reply };

/** An HTTP/2 frame, valid or not (RFC 9113 §4.1), on this stream unless it names another. */
export interface Frame {
  readonly type: number;
  /** @default 0 */
  readonly flags?: number;
  readonly stream?: number;
  /** @default "" */
  readonly payload?: Bytes;
}

/** Steps for HTTP/2 only: end this stream with an error code, send GOAWAY that covers this stream or not (RFC 9113 §6.4, §6.8), or send any frame. */
export type Http2Step =
  | { readonly resetStream: number }
  | { readonly goaway: number; readonly processed: boolean }
  | { readonly frame: Frame };

/**
 * One action of a server on the wire, as plain data. `head` is a status line with header lines. `wait` is in milliseconds.
 * `read` reads that many bytes of the request's body; a reply that does not begin with `read` reads the whole body first.
 * `peek` waits for the first byte without reading it. `tunnel` joins the connection to another one (a proxy's CONNECT).
 */
export type Step =
  | { readonly head: Head }
  | Send
  | Repeat
  | Chunk
  | LastChunk
  | { readonly wait: number }
  | { readonly read: number | "all" }
  | { readonly peek: true }
  | { readonly tunnel: { readonly host: string; readonly port: number } }
  | { readonly end: Ending }
  | Afterwards
  | Http2Step;

/** The steps of a server for one request, in order. Without an `end` the connection stays open for the next request. */
export type Reply = readonly Step[];

/** Returns the bytes as a Buffer, without a copy if possible. */
export function toBuffer(bytes: Bytes): Buffer {
  if (typeof bytes === "string") return Buffer.from(bytes);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
