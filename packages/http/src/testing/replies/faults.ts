import { chunkBytes } from "./chunk-bytes.ts";
import type { HeaderInput } from "./head.ts";
import { head, headerLines } from "./head.ts";
import type { Place } from "./split.ts";
import { cutPoint, split, wireBytes } from "./split.ts";
import type { Reply, Bytes, Ending, Step } from "./steps.ts";
import { toBuffer } from "./steps.ts";

/** Milliseconds for the peer to read the bytes that were just sent: an RST discards those still in flight. */
const settleMs = 20;

/** Resets the TCP connection instead of replying, after the whole request was read. */
export function reset(): Reply {
  return [{ end: "rst" }];
}

/** Closes the connection with a FIN instead of replying. */
export function close(): Reply {
  return [{ end: "fin" }];
}

/** Sends nothing: forever, or for `duration` milliseconds followed by a close. */
export function silence(duration: number = Infinity): Reply {
  return duration === Infinity ? [{ end: "hang" }] : [{ wait: duration }, { end: "fin" }];
}

/** Sends exactly these bytes, then closes with a FIN or the given `ending`. `"keep-alive"` keeps the connection for the next request. */
export function raw(bytes: Bytes, ending: Ending | "keep-alive" = "fin"): Reply {
  return ending === "keep-alive" ? [{ send: bytes }] : [{ send: bytes }, { end: ending }];
}

/** Sends the reply up to a byte, then resets the connection, or ends it as `by` says. */
export function cut(reply: Reply, place: Place & { readonly by?: Exclude<Ending, "hang"> }): Reply {
  const [kept] = split(reply, cutPoint(reply, place));
  const by = place.by ?? "rst";
  return [...kept, ...(by === "rst" && kept.length > 0 ? [{ wait: settleMs }] : []), { end: by }];
}

/** Sends the reply up to a byte, then nothing: forever, or for `pause` milliseconds before the remaining bytes. */
export function stall(reply: Reply, place: Place & { readonly pause?: number }): Reply {
  const [kept, rest] = split(reply, cutPoint(reply, place));
  return place.pause === undefined ? [...kept, { end: "hang" }] : [...kept, { wait: place.pause }, ...rest];
}

/** Sends the reply in pieces of `bytes` (default 1), one every `every` milliseconds: head and body, or only the body with `bodyOnly`. */
export function drip(
  reply: Reply,
  pace: { readonly bytes?: number; readonly every: number; readonly bodyOnly?: boolean },
): Reply {
  return reply.map((step): Step => {
    const send = "head" in step && pace.bodyOnly === true ? undefined : wireBytes(step);
    return send ? { send, by: pace.bytes ?? 1, every: pace.every } : step;
  });
}

/** Sends a body without end: `piece` every `every` milliseconds, or as fast as the peer reads. Close-delimited unless `chunked`. */
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

/** Options of `endlessBody`. */
export interface EndlessBodyOptions {
  /** Headers of the response. */
  readonly headers?: HeaderInput;
  /** Bytes that are repeated. @default 16 KiB of "x" */
  readonly piece?: Bytes;
  /** Milliseconds between two pieces. @default 0 */
  readonly every?: number;
  /** Whether the body is chunked. @default false */
  readonly chunked?: boolean;
}

/** Sends a response head without end: `piece` (a whole header line, or a byte of one) repeatedly. */
export function endlessHead(options: { readonly piece?: Bytes; readonly every?: number } = {}): Reply {
  const piece = options.piece ?? `x-filler: ${"x".repeat(1_000)}\r\n`;
  return [{ send: "HTTP/1.1 200 OK\r\n" }, { repeat: piece, every: options.every ?? 0 }];
}

/** Sends a 101 without a request for an upgrade (RFC 9110 §15.2.2, §7.8). The connection then carries no HTTP. */
export function switchProtocols(protocol: string = "websocket"): Reply {
  return [{ head: head(101, { connection: "upgrade", upgrade: protocol }) }, { end: "hang" }];
}

/**
 * Sends the reply after reading at most `bytes` of the request's body (default 0). With `silence()` the peer stays blocked
 * in its upload, and the origin detects its departure only at `close()`.
 */
export function withoutReading(reply: Reply, bytes: number = 0): Reply {
  return [{ read: bytes }, ...reply];
}

/** Accepts a CONNECT as a proxy does, and tunnels to this host and port. */
export function tunnel(to: { readonly host: string; readonly port: number }): Reply {
  return [{ head: head(200, [], { reason: "Connection Established" }) }, { tunnel: to }];
}
