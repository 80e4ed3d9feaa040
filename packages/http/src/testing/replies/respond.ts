import type { CodingName } from "./encoding.ts";
import { encode } from "./encoding.ts";
import type { Head, HeaderInput, HeaderLine } from "./head.ts";
import { hasHeader, head, headerLines } from "./head.ts";
import type { Reply, Bytes, Chunk, Step } from "./steps.ts";
import { toBuffer } from "./steps.ts";

/** Options of `respond`. */
export interface RespondOptions {
  /** Header fields, or raw lines. @default {} */
  readonly headers?: HeaderInput;
  /** The content before any coding. @default "" */
  readonly body?: Bytes;
  /** The reason phrase. @default the registered phrase of the status */
  readonly reason?: string;
  /** The HTTP/1 version on the status line. @default "1.1" */
  readonly version?: Head["version"];
  /**
   * How the end of the body is marked: by its length, by chunks, by a FIN, or not at all.
   * @default "none" if `headers` has Content-Length or Transfer-Encoding (even a wrong one), and for 1xx, 204 and 304. Otherwise "length"
   */
  readonly framing?: "length" | "chunked" | "close" | "none";
  /** The coding of the body. Adds Content-Encoding. @default undefined */
  readonly coding?: CodingName;
  /** Number of bytes of the coded body to send, framed as if they were the whole body. @default all */
  readonly codedBytes?: number;
}

/** Options of `chunked`. */
export interface ChunkedOptions extends Pick<RespondOptions, "headers" | "reason"> {
  /** Trailer fields. @default {} */
  readonly trailers?: HeaderInput;
  /** Whether to send the last chunk (of size zero). Without it the body never ends. @default true */
  readonly last?: boolean;
}

const pieceBytes = 16_384;
const bodiless: ReadonlySet<number> = new Set([204, 304]);

/** Sends a whole response. Framing headers in `headers` are kept as they are. */
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

/** Sends a chunked response with exactly these chunks, one write each. */
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

/** Sends an interim response (RFC 9110 §15.2). Put it before a reply: `[...informational(103), ...respond(200)]`. */
export function informational(status: number, headers: HeaderInput = {}): Reply {
  return [{ head: head(status, headers) }];
}

/** Sends a redirect with exactly this Location. */
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
