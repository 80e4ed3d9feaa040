import { ConnectionError, IncompleteBodyError, ProtocolError, TransportError, type Phase } from "../errors.ts";
import { isClosing, isStray } from "./evidence.ts";
import { codeOf } from "./happy-eyeballs.ts";

/** What was known of an exchange when it failed. */
export interface Progress {
  /** Host and port, for the message. */
  readonly target: string;
  readonly phase: Phase;
  readonly mayHaveArrived: boolean;
  /** Bytes of the body that came, as sent. */
  readonly received: number;
  /** Bytes announced by Content-Length. */
  readonly expected: number | undefined;
}

// A wrong argument of the caller's, which undici finds while it writes the head.
const wrongArgument = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH", "UND_ERR_NOT_SUPPORTED"]);

/** Says what an error of undici or of the platform means, in our terms, with the original as its cause. */
export function translate(cause: unknown, progress: Progress): Error {
  if (cause instanceof TransportError) return cause;
  const code = codeOf(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (wrongArgument.has(code)) return new TypeError(reason, { cause });
  const complaint = complaintOf(cause, code, progress.phase);
  if (complaint !== undefined) return notHttp(complaint, progress, cause);
  if (progress.phase === "body") return new IncompleteBodyError(progress.received, progress.expected, { cause });
  return closed(cause, code, progress);
}

/** What is wrong with the message itself; undefined where it only was cut short. */
function complaintOf(cause: unknown, code: string, phase: Phase): string | undefined {
  if (isStray(cause)) return unasked[cause.message];
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return phase === "headers" ? "its Content-Length is not one number" : undefined;
  const stream = streamCode(cause);
  if (stream !== undefined) return misspoken.has(stream) ? `HTTP/2 ${stream}` : undefined;
  const reason = parserReason(cause);
  if (reason !== undefined) return reason === "Invalid EOF state" ? undefined : reason;
  if (isClosing(cause) || code.startsWith("E")) return undefined;
  return cause instanceof Error ? cause.message : String(cause);
}

/** What llhttp, undici's parser, complains of. */
function parserReason(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || cause.name !== "HTTPParserError") return undefined;
  return /\((.*)\)$/.exec(cause.message)?.[1] ?? cause.message;
}

/** What undici's parser refuses though RFC 9110 §15.2 asks every client to bear it, and what §15.2.2 forbids. */
const unasked: Readonly<Record<string, string>> = {
  "bad response": "100 Continue without having been asked",
  "bad upgrade": "101 Switching Protocols without having been asked",
};

// Errors of the other side's HTTP/2, or of ours in its eyes: asking again would bring the same.
const misspoken: ReadonlySet<string> = new Set([
  "PROTOCOL_ERROR",
  "FLOW_CONTROL_ERROR",
  "FRAME_SIZE_ERROR",
  "COMPRESSION_ERROR",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
]);

// RFC 9113 §7, in the order of their numbers.
const streamCodes = [
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

/** The name of the code that an HTTP/2 stream was reset with (RFC 9113 §7). */
function streamCode(error: unknown): string | undefined {
  return error instanceof Error && "http2ErrorCode" in error ? streamCodes[Number(error.http2ErrorCode)] : undefined;
}

function closed(cause: unknown, code: string, { target, phase, mayHaveArrived }: Progress): ConnectionError {
  const when = phase === "headers" ? "before it answered" : `during ${phase}`;
  const stream = streamCode(cause);
  const what = stream === undefined ? "closed the connection" : "reset the stream";
  const errno = /^E[A-Z]+$/.test(code) ? code : "ECONNRESET";
  return new ConnectionError(`${target} ${what} ${when} (${stream ?? errno})`, { cause, errno, phase, mayHaveArrived });
}

function notHttp(reason: string, { target, phase, mayHaveArrived }: Progress, cause: unknown): ProtocolError {
  return new ProtocolError(`${target} does not speak HTTP as it should: ${reason}`, { cause, phase, mayHaveArrived });
}
