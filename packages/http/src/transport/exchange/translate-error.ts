import {
  ConnectionError,
  IncompleteBodyError,
  ProtocolError,
  TlsError,
  TransportError,
  type Phase,
} from "../../errors/transport-errors.ts";
import { endsEarly, isBrokenHttp2, isGoawayEnd, isReset, isStreamEnd } from "../errors/undici-errors.ts";
import { codeOf } from "../errors/error-code.ts";
import { MalformedAnswer, UnsendableRequest } from "../http1/errors.ts";

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

// A wrong argument of the caller's, in undici's words.
const wrongArgument = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH",
  "UND_ERR_NOT_SUPPORTED",
]);

/** Says what an error of a client or of the platform means, in our terms, with the original as its cause. */
export function translate(cause: unknown, progress: Progress): Error {
  if (cause instanceof TransportError || cause instanceof UnsendableRequest) return cause;
  const code = codeOf(cause);
  if (wrongArgument.has(code)) return new TypeError(reasonOf(cause), { cause });
  if (progress.phase === "headers" && refusal.test(code)) return unwelcome(cause, code, progress.target);
  const complaint = complaintOf(cause, code);
  if (complaint !== undefined) return notHttp(complaint, progress, cause);
  if (progress.phase === "body")
    return new IncompleteBodyError(progress.received, progress.expected, { cause });
  return closed(cause, code, progress);
}

/** What is wrong with the message itself; undefined where it only was cut short. */
function complaintOf(cause: unknown, code: string): string | undefined {
  if (cause instanceof MalformedAnswer) return cause.message;
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return undefined;
  if (isBrokenHttp2(cause)) return `HTTP/2: ${reasonOf(cause)}`;
  const said = errorCode(cause);
  if (said !== undefined) return faults.has(said) ? said : undefined;
  return endsEarly(cause) || code.startsWith("E") ? undefined : reasonOf(cause);
}

// The codes of RFC 9113 §7 that speak of broken HTTP/2, which a second attempt would meet again; every other one says that
// the message ended too early.
const faults: ReadonlySet<string> = new Set([
  "PROTOCOL_ERROR",
  "FLOW_CONTROL_ERROR",
  "FRAME_SIZE_ERROR",
  "COMPRESSION_ERROR",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
]);

// RFC 9113 §7, in the order of their numbers.
const errorCodes = [
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

/** The name of the code that an HTTP/2 stream was reset with, or its connection ended with (RFC 9113 §7). */
function errorCode(error: unknown): string | undefined {
  if (!isReset(error) && !isGoawayEnd(error)) return undefined;
  const code: unknown = Reflect.get(Object(error), "http2ErrorCode");
  return typeof code === "number" ? (errorCodes[code] ?? `code ${code}`) : undefined;
}

// TLS 1.3 lets a server refuse a client's certificate when the client's side of the handshake is done (RFC 8446 §4.4.2.4).
const refusal = /^ERR_SSL_\w+_ALERT_\w*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/;

function unwelcome(cause: unknown, errno: string, target: string): TlsError {
  return new TlsError(`${target} refused this client's certificate, or its lack of one (${errno})`, {
    cause,
    certificate: false,
    errno,
  });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function closed(cause: unknown, code: string, { target, phase, mayHaveArrived }: Progress): ConnectionError {
  const when = phase === "headers" ? "before it answered" : `during ${phase}`;
  const errno = /^E[A-Z]+$/.test(code) ? code : "ECONNRESET";
  return new ConnectionError(`${target} ${endingOf(cause, errno, when)}`, {
    cause,
    errno,
    phase,
    mayHaveArrived,
  });
}

function endingOf(cause: unknown, errno: string, when: string): string {
  if (isReset(cause)) return `reset the stream ${when} (${errorCode(cause) ?? errno})`;
  if (isStreamEnd(cause)) return `ended the stream ${when}`;
  return `closed the connection ${when} (${errorCode(cause) ?? errno})`;
}

function notHttp(reason: string, { target, phase, mayHaveArrived }: Progress, cause: unknown): ProtocolError {
  return new ProtocolError(`${target} does not speak HTTP as it should: ${reason}`, {
    cause,
    phase,
    mayHaveArrived,
  });
}
