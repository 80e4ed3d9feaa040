import {
  ConnectionError,
  IncompleteBodyError,
  ProtocolError,
  TlsError,
  TransportError,
  type Phase,
} from "../../errors/transport-errors.ts";
import {
  isPrematureEnd,
  isHttp2ProtocolError,
  isGoawayError,
  isStreamReset,
  isStreamEnd,
} from "../errors/undici-errors.ts";
import { errorCode } from "../errors/error-code.ts";
import { MalformedResponse } from "../errors/malformed-response.ts";
import { UnsendableRequest } from "../errors/unsendable-request.ts";

/** The state of an exchange when it failed. */
export interface ExchangeProgress {
  /** Host and port, for the message. */
  readonly target: string;
  readonly phase: Phase;
  readonly mayHaveArrived: boolean;
  /** Bytes of the body received, as sent. */
  readonly received: number;
  /** The Content-Length of the response. */
  readonly expected: number | undefined;
}

// undici's codes for an invalid argument of the caller.
const invalidArgumentCodes = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH",
  "UND_ERR_NOT_SUPPORTED",
]);

/** Converts an error of an HTTP client or of the platform to one of this package's errors, with the original as its cause. */
export function translateError(cause: unknown, progress: ExchangeProgress): Error {
  if (cause instanceof TransportError || cause instanceof UnsendableRequest) return cause;
  const code = errorCode(cause);
  if (invalidArgumentCodes.has(code)) return new TypeError(toMessage(cause), { cause });
  if (progress.phase === "headers" && certificateRefusal.test(code))
    return certificateRefusedError(cause, code, progress.target);
  const fault = findProtocolFault(cause, code);
  if (fault !== undefined) return protocolError(fault, progress, cause);
  if (progress.phase === "body")
    return new IncompleteBodyError(progress.received, progress.expected, { cause });
  return connectionClosedError(cause, code, progress);
}

/** Returns what is wrong with the response itself; undefined when it was only cut short. */
function findProtocolFault(cause: unknown, code: string): string | undefined {
  if (cause instanceof MalformedResponse) return cause.message;
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return undefined;
  if (isHttp2ProtocolError(cause)) return `HTTP/2: ${toMessage(cause)}`;
  const name = http2ErrorName(cause);
  if (name !== undefined) return http2Faults.has(name) ? name : undefined;
  return isPrematureEnd(cause) || code.startsWith("E") ? undefined : toMessage(cause);
}

// The codes of RFC 9113 §7 for invalid HTTP/2, which a second attempt would meet again. Every other code means that the response
// ended too early.
const http2Faults: ReadonlySet<string> = new Set([
  "PROTOCOL_ERROR",
  "FLOW_CONTROL_ERROR",
  "FRAME_SIZE_ERROR",
  "COMPRESSION_ERROR",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
]);

// The names of RFC 9113 §7, in the order of their numbers.
const http2ErrorNames = [
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

/** Returns the name of the code that an HTTP/2 stream was reset with, or its connection ended with (RFC 9113 §7). */
function http2ErrorName(error: unknown): string | undefined {
  if (!isStreamReset(error) && !isGoawayError(error)) return undefined;
  const code: unknown = Reflect.get(Object(error), "http2ErrorCode");
  return typeof code === "number" ? (http2ErrorNames[code] ?? `code ${code}`) : undefined;
}

// With TLS 1.3 a server may reject the client's certificate after the client has finished the handshake (RFC 8446 §4.4.2.4).
const certificateRefusal = /^ERR_SSL_\w+_ALERT_\w*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/;

function certificateRefusedError(cause: unknown, errno: string, target: string): TlsError {
  return new TlsError(`${target} refused this client's certificate, or requires one (${errno})`, {
    cause,
    certificate: false,
    errno,
  });
}

function toMessage(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function connectionClosedError(
  cause: unknown,
  code: string,
  { target, phase, mayHaveArrived }: ExchangeProgress,
): ConnectionError {
  const when = phase === "headers" ? "before it responded" : `during ${phase}`;
  const errno = /^E[A-Z]+$/.test(code) ? code : "ECONNRESET";
  return new ConnectionError(`${target} ${describeEnd(cause, errno, when)}`, {
    cause,
    errno,
    phase,
    mayHaveArrived,
  });
}

function describeEnd(cause: unknown, errno: string, when: string): string {
  if (isStreamReset(cause)) return `reset the stream ${when} (${http2ErrorName(cause) ?? errno})`;
  if (isStreamEnd(cause)) return `ended the stream ${when}`;
  return `closed the connection ${when} (${http2ErrorName(cause) ?? errno})`;
}

function protocolError(
  reason: string,
  { target, phase, mayHaveArrived }: ExchangeProgress,
  cause: unknown,
): ProtocolError {
  return new ProtocolError(`${target} sent an invalid HTTP response: ${reason}`, {
    cause,
    phase,
    mayHaveArrived,
  });
}
