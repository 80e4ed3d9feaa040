import {
  ConnectionError,
  IncompleteBodyError,
  ProtocolError,
  TlsError,
  TransportError,
  type Phase,
} from "../../errors/transport-errors.ts";
import {
  http2ErrorName,
  isConnectionEnd,
  isGentleReset,
  isHttp2ProtocolError,
  isStreamReset,
} from "../errors/http2-errors.ts";
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

/** Converts an error of an HTTP client or of the platform to one of this package's errors, with the original as its cause. */
export function translateError(cause: unknown, progress: ExchangeProgress): Error {
  if (cause instanceof TransportError || cause instanceof UnsendableRequest) return cause;
  const code = errorCode(cause);
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
  if (isHttp2ProtocolError(cause)) return `HTTP/2: ${toMessage(cause)}`;
  const name = http2ErrorName(cause);
  if (name !== undefined) return http2Faults.has(name) ? name : undefined;
  return isConnectionEnd(cause) || code.startsWith("E") ? undefined : toMessage(cause);
}

// The codes of RFC 9113 §7 for invalid HTTP/2, which a second attempt would meet again. Every other code means that the response
// ended too early.
const http2Faults: ReadonlySet<string> = new Set([
  "PROTOCOL_ERROR",
  "FLOW_CONTROL_ERROR",
  "FRAME_SIZE_ERROR",
  "COMPRESSION_ERROR",
  "INADEQUATE_SECURITY",
]);

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
  const name = http2ErrorName(cause);
  if (isGentleReset(cause)) return `ended the stream ${when} (${name})`;
  return `${isStreamReset(cause) ? "reset the stream" : "closed the connection"} ${when} (${name ?? errno})`;
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
