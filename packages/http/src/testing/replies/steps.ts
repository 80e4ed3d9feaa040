import type { Head, HeaderLine } from "./head.ts";

/** Bytes for the wire; a string is sent as UTF-8. */
export type Bytes = string | Uint8Array;

/**
 * How a connection ends: `fin` closes it in order (HTTP/2: ends the stream), `rst` resets the TCP connection, `bare-fin` is a
 * FIN without the TLS close_notify or the GOAWAY that belong before it (RFC 9112 §9.8), `hang` leaves it open and silent
 * until the peer goes.
 */
export type Ending = "fin" | "rst" | "bare-fin" | "hang";

/** Bytes as they are, whole, or `by` bytes every `every` milliseconds. HTTP/2 sends them as DATA. */
export interface Send {
  readonly send: Bytes;
  readonly by?: number;
  readonly every?: number;
}

/** The same bytes again and again, with `every` milliseconds between; for ever unless `times` is given. */
export interface Repeat {
  readonly repeat: Bytes;
  readonly every?: number;
  readonly times?: number;
}

/**
 * One chunk of a chunked body (RFC 9112 §7.1), with an extension such as `;name=value`, or with a size line that lies. HTTP/2,
 * which has no chunks, sends the bytes alone.
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
 * Steps for the time after this reply on the same HTTP/1 connection: once it was idle for `whenIdle` milliseconds, at the
 * first byte of the next request (which is then neither read nor recorded), or in place of the next request's own reply.
 */
export type Afterwards =
  | { readonly whenIdle: number; readonly play: Reply }
  | { readonly whenNextByte: Reply }
  | { readonly whenNextRequest: Reply };

/** An HTTP/2 frame as it is, right or wrong (RFC 9113 §4.1), on this stream unless it names another. */
export interface Frame {
  readonly type: number;
  /** @default 0 */
  readonly flags?: number;
  readonly stream?: number;
  /** @default nothing */
  readonly payload?: Bytes;
}

/** Steps of HTTP/2 alone: end this stream with an error code, say GOAWAY with this stream processed or not (RFC 9113 §6.4, §6.8), or send any frame. */
export type Http2Step =
  | { readonly resetStream: number }
  | { readonly goaway: number; readonly processed: boolean }
  | { readonly frame: Frame };

/**
 * One thing that a server does on the wire, as plain data. `head` is a status line with header lines; `wait` is milliseconds;
 * `read` takes that many bytes of the request's body, where a reply that does not begin with it reads the whole body first;
 * `peek` waits for the first byte without taking it; `tunnel` joins the connection to another one (a proxy's CONNECT).
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

/** What a server does with one request: steps in order. Without an `end` the connection is kept for the next request. */
export type Reply = readonly Step[];

/** The bytes themselves, as a Buffer. */
export function toBuffer(bytes: Bytes): Buffer {
  if (typeof bytes === "string") return Buffer.from(bytes);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
