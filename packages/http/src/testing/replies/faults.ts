import { chunkBytes } from "./chunk-bytes.ts";
import type { HeaderInput } from "./head.ts";
import { head, headerLines } from "./head.ts";
import type { Place } from "./split.ts";
import { cutPoint, split, wireBytes } from "./split.ts";
import type { Reply, Bytes, Ending, Step } from "./steps.ts";
import { toBuffer } from "./steps.ts";

/** Time for bytes that were just sent to be read: an RST overtakes what the peer's kernel has not got yet. */
const settleMs = 20;

/** A TCP reset in place of a reply; the request was read whole before. */
export function reset(): Reply {
  return [{ end: "rst" }];
}

/** An orderly close (FIN) in place of a reply. */
export function close(): Reply {
  return [{ end: "fin" }];
}

/** No reply: for ever, or for `duration` milliseconds and then a close. */
export function silence(duration: number = Infinity): Reply {
  return duration === Infinity ? [{ end: "hang" }] : [{ wait: duration }, { end: "fin" }];
}

/** Exactly these bytes, then an orderly close unless `ending` says otherwise; "keep-alive" leaves the connection to the next request. */
export function raw(bytes: Bytes, ending: Ending | "keep-alive" = "fin"): Reply {
  return ending === "keep-alive" ? [{ send: bytes }] : [{ send: bytes }, { end: ending }];
}

/** The reply up to a byte, and then a reset or the other `by`. */
export function cut(reply: Reply, place: Place & { readonly by?: Exclude<Ending, "hang"> }): Reply {
  const [kept] = split(reply, cutPoint(reply, place));
  const by = place.by ?? "rst";
  return [...kept, ...(by === "rst" && kept.length > 0 ? [{ wait: settleMs }] : []), { end: by }];
}

/** The reply up to a byte, and then nothing: for ever, or for `pause` milliseconds before the rest comes. */
export function stall(reply: Reply, place: Place & { readonly pause?: number }): Reply {
  const [kept, rest] = split(reply, cutPoint(reply, place));
  return place.pause === undefined ? [...kept, { end: "hang" }] : [...kept, { wait: place.pause }, ...rest];
}

/** The reply `bytes` at a time (default 1), one piece every `every` milliseconds: its head and body, or with `bodyOnly` the body. */
export function drip(
  reply: Reply,
  pace: { readonly bytes?: number; readonly every: number; readonly bodyOnly?: boolean },
): Reply {
  return reply.map((step): Step => {
    const send = "head" in step && pace.bodyOnly === true ? undefined : wireBytes(step);
    return send ? { send, by: pace.bytes ?? 1, every: pace.every } : step;
  });
}

/** A response whose body never ends: `piece` every `every` milliseconds, or as fast as the peer reads; close-delimited unless `chunked`. */
export function endlessBody(status: number = 200, options: EndlessBodyOptions = {}): Reply {
  const piece = toBuffer(options.piece ?? Buffer.alloc(16_384, "x"));
  const isChunked = options.chunked ?? false;
  const framing = isChunked
    ? (["transfer-encoding", "chunked"] as const)
    : (["connection", "close"] as const);
  const lines = [...headerLines(options.headers ?? {}), framing];
  return [
    { head: head(status, lines) },
    { repeat: isChunked ? chunkBytes({ chunk: piece }) : piece, every: options.every ?? 0 },
  ];
}

/** What an endless body is made of. */
export interface EndlessBodyOptions {
  readonly headers?: HeaderInput;
  /** @default 16 KiB of "x" */
  readonly piece?: Bytes;
  /** Milliseconds between two pieces. @default 0 */
  readonly every?: number;
  /** @default false */
  readonly chunked?: boolean;
}

/** A response head that never ends: `piece` (a whole header line, or a byte of one) again and again. */
export function endlessHead(options: { readonly piece?: Bytes; readonly every?: number } = {}): Reply {
  const piece = options.piece ?? `x-filler: ${"x".repeat(1_000)}\r\n`;
  return [{ send: "HTTP/1.1 200 OK\r\n" }, { repeat: piece, every: options.every ?? 0 }];
}

/** An upgrade that nobody asked for (RFC 9110 §15.2.2, §7.8); the connection then speaks no HTTP any more. */
export function switchProtocols(protocol: string = "websocket"): Reply {
  return [{ head: head(101, { connection: "upgrade", upgrade: protocol }) }, { end: "hang" }];
}

/**
 * The reply, after no more than `bytes` of the request's body were read; by default none. With `silence()` the peer stays blocked
 * in its upload, and that it left goes unseen until `close()`.
 */
export function withoutReading(reply: Reply, bytes: number = 0): Reply {
  return [{ read: bytes }, ...reply];
}

/** A proxy's yes to CONNECT, and the tunnel to this host and port. */
export function tunnel(to: { readonly host: string; readonly port: number }): Reply {
  return [{ head: head(200, [], { reason: "Connection Established" }) }, { tunnel: to }];
}
