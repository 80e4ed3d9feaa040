import type { Coding } from "./encoding.ts";
import { encode } from "./encoding.ts";
import type { Head, HeaderInput, HeaderLine } from "./head.ts";
import { hasHeader, head, headerLines } from "./head.ts";
import type { Reply, Bytes, Chunk, Step } from "./steps.ts";
import { toBuffer } from "./steps.ts";

/** What a response carries besides its status. */
export interface RespondOptions {
  /** Header fields, or raw lines. @default {} */
  readonly headers?: HeaderInput;
  /** The content, before any coding. @default "" */
  readonly body?: Bytes;
  /** The reason phrase. @default the registered one */
  readonly reason?: string;
  /** The HTTP/1 version on the status line. @default "1.1" */
  readonly version?: Head["version"];
  /**
   * How the end of the body is marked: by its length, by chunks, by a FIN, or not at all.
   * @default "none" when `headers` has Content-Length or Transfer-Encoding (a lie is kept), and for 1xx, 204 and 304; else "length"
   */
  readonly framing?: "length" | "chunked" | "close" | "none";
  /** The coding that the body is sent in, with its Content-Encoding. @default none */
  readonly coding?: Coding;
  /** How many bytes of the coded body are sent, framed as if they were all of it. @default all */
  readonly codedBytes?: number;
}

/** What a chunked response carries besides its chunks. */
export interface ChunkedOptions extends Pick<RespondOptions, "headers" | "reason"> {
  /** Trailer fields. @default {} */
  readonly trailers?: HeaderInput;
  /** Whether the last chunk (of size zero) is sent; without it the body never ends. @default true */
  readonly last?: boolean;
}

const pieceBytes = 16_384;
const bodiless: ReadonlySet<number> = new Set([204, 304]);

/** A whole response; every framing header that `headers` already has is left alone. */
export function respond(status: number, options: RespondOptions = {}): Reply {
  const given = headerLines(options.headers ?? {});
  const body = content(options);
  const coding: readonly HeaderLine[] =
    options.coding === undefined ? [] : [["content-encoding", options.coding]];
  const lines = [...given, ...coding];
  const framing = options.framing ?? usualFraming(status, lines);
  if (framing === "chunked") return chunked(status, pieces(body), { ...options, headers: lines });
  const extra: Record<typeof framing, readonly HeaderLine[]> = {
    length: [["content-length", String(body.length)]],
    close: [["connection", "close"]],
    none: [],
  };
  const steps: Step[] = [{ head: head(status, [...lines, ...extra[framing]], statusLine(options)) }];
  if (body.length > 0) steps.push({ send: body });
  if (framing === "close") steps.push({ end: "fin" });
  return steps;
}

/** A chunked response with exactly these chunks, each written on its own. */
export function chunked(
  status: number,
  chunks: readonly (Bytes | Chunk)[],
  options: ChunkedOptions = {},
): Reply {
  const lines = [...headerLines(options.headers ?? {}), ["transfer-encoding", "chunked"] as const];
  const steps: Step[] = [{ head: head(status, lines, statusLine(options)) }];
  for (const chunk of chunks) steps.push(isBytes(chunk) ? { chunk } : chunk);
  if (options.last ?? true) steps.push({ lastChunk: headerLines(options.trailers ?? {}) });
  return steps;
}

/** An interim response (RFC 9110 §15.2), to be put before a reply: `[...informational(103), ...respond(200)]`. */
export function informational(status: number, headers: HeaderInput = {}): Reply {
  return [{ head: head(status, headers) }];
}

/** A redirect with this Location, as it is. */
export function redirect(location: string, status: number = 302, options: RespondOptions = {}): Reply {
  const lines = [...headerLines(options.headers ?? {}), ["location", location] as const];
  return respond(status, { ...options, headers: lines });
}

function content({ body = "", coding, codedBytes }: RespondOptions): Buffer {
  const coded = coding === undefined ? toBuffer(body) : encode(body, coding);
  return codedBytes === undefined ? coded : coded.subarray(0, codedBytes);
}

function usualFraming(status: number, lines: readonly HeaderLine[]): "length" | "none" {
  if (status < 200 || bodiless.has(status)) return "none";
  return hasHeader(lines, "content-length") || hasHeader(lines, "transfer-encoding") ? "none" : "length";
}

function statusLine({ reason, version }: RespondOptions): Partial<Pick<Head, "reason" | "version">> {
  return { ...(reason === undefined ? {} : { reason }), ...(version === undefined ? {} : { version }) };
}

function pieces(body: Buffer): readonly Buffer[] {
  const count = Math.ceil(body.length / pieceBytes);
  return Array.from({ length: count }, (_, index) =>
    body.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
}

function isBytes(chunk: Bytes | Chunk): chunk is Bytes {
  return typeof chunk === "string" || chunk instanceof Uint8Array;
}
