import { errorCode } from "./error-code.ts";

/** The error codes of RFC 9113 §7 that a rule here depends on. */
export const http2Codes = {
  noError: 0,
  protocolError: 1,
  refusedStream: 7,
  cancel: 8,
  enhanceYourCalm: 11,
  http11Required: 13,
} as const;

/**
 * How often a request may be sent again without a report. `always` is for requests that the server did not process while it
 * processed others, so that each repetition comes with progress elsewhere.
 */
export type RepeatLimit = "always" | "once" | "never";

/** An HTTP/2 stream ended before its response was complete. Its connection continues. */
export class StreamReset extends Error {
  readonly code = "ERR_HTTP2_STREAM_ERROR";
  /** The code of RFC 9113 §7. */
  readonly http2Code: number;
  /** Whether the stream was opened before the server's SETTINGS lowered the limit of concurrent streams below it. */
  readonly isBeyondLimit: boolean;

  constructor(http2Code: number, isBeyondLimit = false) {
    super(`The stream was reset with ${http2CodeName(http2Code)}`);
    this.http2Code = http2Code;
    this.isBeyondLimit = isBeyondLimit;
  }
}

/** The body of a response over HTTP/2 does not have the length of its Content-Length (RFC 9113 §8.1.1). */
export class WrongBodyLength extends Error {
  readonly code = "ERR_HTTP2_STREAM_ERROR";

  constructor(options?: ErrorOptions) {
    super("The body does not have the length of its Content-Length", options);
  }
}

/** What is known about an HTTP/2 connection that ended under a request. */
export interface ConnectionLoss {
  /** The code of the server's GOAWAY. */
  readonly http2Code?: number | undefined;
  /** Set if the server did not process the request: it was not sent, or a GOAWAY excludes it (RFC 9113 §6.8). */
  readonly unprocessed?: RepeatLimit | undefined;
  readonly cause?: Error | undefined;
}

/** An HTTP/2 connection ended, or accepts no further request. */
export class ConnectionLost extends Error {
  readonly code: string;
  readonly http2Code: number | undefined;
  readonly unprocessed: RepeatLimit | undefined;

  constructor({ http2Code, unprocessed, cause }: ConnectionLoss) {
    super("The connection accepts no further request", { cause });
    this.code = cause === undefined ? "ECONNRESET" : errorCode(cause);
    this.http2Code = http2Code;
    this.unprocessed = unprocessed;
  }
}

/** Returns whether an error means that one HTTP/2 stream ended early while its connection continued. */
export function isStreamReset(error: unknown): error is StreamReset {
  return error instanceof StreamReset;
}

/** Returns whether a stream was reset with a code that is no error (RFC 9113 §7). */
export function isGentleReset(error: unknown): boolean {
  return isStreamReset(error) && isGentleCode(error.http2Code);
}

/** Returns whether a reset with this code only ends the stream, so that a complete response stays complete (RFC 9113 §8.1). */
export function isGentleCode(code: number): boolean {
  return code === http2Codes.noError || code === http2Codes.cancel;
}

/** Returns whether Node ended an HTTP/2 connection because of invalid input: only then the error has an `errno` of nghttp2. */
export function isHttp2ProtocolError(error: unknown): error is Error {
  return (
    errorCode(error).startsWith("ERR_HTTP2_") &&
    error instanceof Error &&
    "errno" in error &&
    typeof error.errno === "number"
  );
}

/**
 * Returns whether an error proves that the server did not act on a request that was written: the stream was refused, the server
 * requires HTTP/1.1 for it, or its number is above the last one that a GOAWAY includes (RFC 9113 §6.8, §7, §8.7).
 */
export function provesUnprocessed(error: unknown): boolean {
  if (error instanceof ConnectionLost) return error.unprocessed !== undefined;
  // A connection may end with the same codes, which prove nothing about the streams that its GOAWAY includes.
  if (!isStreamReset(error)) return false;
  return error.http2Code === http2Codes.refusedStream || error.http2Code === http2Codes.http11Required;
}

/** Returns how often a request that failed with this error may be sent again without a report. `reused` is about its connection. */
export function repeatLimit(error: unknown, reused: boolean): RepeatLimit {
  if (isStreamReset(error)) return repeatLimitOfStream(error);
  if (error instanceof ConnectionLost && error.unprocessed !== undefined) return error.unprocessed;
  return reused && isConnectionEnd(error) ? "once" : "never";
}

function repeatLimitOfStream({ isBeyondLimit, http2Code }: StreamReset): RepeatLimit {
  if (isBeyondLimit) return "always";
  return http2Code === http2Codes.http11Required ? "once" : "never";
}

const closedConnectionCodes: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED"]);

/** Returns whether an error means only that the connection ended before the exchange. */
export function isConnectionEnd(error: unknown): boolean {
  return error instanceof ConnectionLost || closedConnectionCodes.has(errorCode(error));
}

// The names of RFC 9113 §7, in the order of their numbers.
const codeNames = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

/** Returns the name of the code that a stream was reset with, or its connection ended with; undefined without a GOAWAY's error. */
export function http2ErrorName(error: unknown): string | undefined {
  const code = findHttp2Code(error);
  if (code === undefined || (code === http2Codes.noError && !isStreamReset(error))) return undefined;
  return http2CodeName(code);
}

function findHttp2Code(error: unknown): number | undefined {
  return error instanceof StreamReset || error instanceof ConnectionLost ? error.http2Code : undefined;
}

function http2CodeName(code: number): string {
  return codeNames[code] ?? `code ${code}`;
}
