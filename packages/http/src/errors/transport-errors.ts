import { brandClass, isBranded, shorten, type BrandedClass } from "@holdfast/policy/internal";
import { HoldfastError, RejectedError } from "@holdfast/policy";
import { defaultFault, reasonForStatus, type ProxyFault, type ProxyReason } from "./proxy-reason.ts";

/** The phase of an exchange in which it failed. */
export type Phase = "dns" | "connect" | "tls" | "proxy" | "send" | "headers" | "body";

/** The details of a `TransportError`. */
export interface TransportErrorOptions extends ErrorOptions {
  /** Phase of the attempt in which it failed. */
  readonly phase: Phase;
  /** Whether the server may have received the request, and may have acted on it. */
  readonly mayHaveArrived: boolean;
}

/**
 * A request that got no usable response.
 *
 * ```
 * HoldfastError (of @holdfast/policy)
 * ├─ TransportError (abstract)     phase; mayHaveArrived
 * │  ├─ ConnectionError            ERR_CONNECTION          refused, reset, name not found
 * │  ├─ ConnectTimeoutError        ERR_CONNECT_TIMEOUT     limit
 * │  ├─ ReadTimeoutError           ERR_READ_TIMEOUT        limit
 * │  ├─ UploadTimeoutError         ERR_UPLOAD_TIMEOUT      limit: the source of the request body stalled
 * │  ├─ AttemptTimeoutError        ERR_ATTEMPT_TIMEOUT     limit
 * │  ├─ IncompleteBodyError        ERR_INCOMPLETE_BODY     expected, received
 * │  ├─ ProtocolError              ERR_PROTOCOL            the response is not valid HTTP
 * │  ├─ DecodeError                ERR_DECODE              the body does not match its Content-Encoding
 * │  ├─ BodyTooLargeError          ERR_BODY_TOO_LARGE      maxBytes
 * │  ├─ AddressNotAllowedError     ERR_ADDRESS_NOT_ALLOWED  address: not public, with `addresses: "public"`
 * │  ├─ TlsError                   ERR_TLS                 certificate: whether the certificate was rejected
 * │  └─ ProxyError                 ERR_PROXY               the proxy failed: reason, fault, status, retryAfter
 * ├─ NoProxyError (RejectedError)  ERR_NO_PROXY            target, retryAt
 * ├─ DeferredError                 ERR_DEFERRED            resumeAt: Retry-After is longer than the caller waits
 * ├─ BodyNotReplayableError        ERR_BODY_NOT_REPLAYABLE  reason
 * ├─ LineTooLongError           ERR_LINE_TOO_LONG       maxLength
 * ├─ PaginationError            ERR_PAGINATION          response: a page of paginate() that has no items or next page
 * ├─ EventStreamError           ERR_EVENT_STREAM        response: it is not a stream of events
 * ├─ TooManyRedirectsError         ERR_TOO_MANY_REDIRECTS
 * ├─ InvalidUrlError               ERR_INVALID_URL
 * ├─ DigestError                   ERR_DIGEST              path; algorithm, expected, actual, phase
 * ├─ DiskFullError                 ERR_DISK_FULL           path; need, free
 * ├─ FileBusyError                 ERR_FILE_BUSY           path: another download writes the file
 * ├─ FileAccessError               ERR_FILE_ACCESS         path; errno: the system denies access
 * ├─ SchemaError                   ERR_SCHEMA              issues, url, status: the JSON does not match the schema
 * └─ StatusError                   ERR_STATUS              method, url, status, attempts, serverMessage, response
 * ```
 */
export abstract class TransportError extends HoldfastError {
  readonly phase: Phase;
  readonly mayHaveArrived: boolean;

  constructor(message: string, { phase, mayHaveArrived, ...options }: TransportErrorOptions) {
    super(message, options);
    this.phase = phase;
    this.mayHaveArrived = mayHaveArrived;
  }
}

/** The connection could not be opened, or broke: refused, reset, closed, or the host name was not found. */
export class ConnectionError extends TransportError {
  readonly code = "ERR_CONNECTION";
  /** The code of the platform, such as `ECONNREFUSED`, `ECONNRESET` or `ENOTFOUND`. */
  readonly errno: string;

  constructor(message: string, options: TransportErrorOptions & { readonly errno: string }) {
    super(message, options);
    this.errno = options.errno;
  }
}

/** The connection, TLS included, was not open within `timeout.connect`. Nothing was sent. */
export class ConnectTimeoutError extends TransportError {
  readonly code = "ERR_CONNECT_TIMEOUT";
  /** The limit, in milliseconds. */
  readonly limit: number;

  constructor(target: string, limit: number, phase: Phase = "connect") {
    const unfinished = unfinishedSteps[phase];
    super(
      `No connection to ${target} within ${limit} ms${unfinished === undefined ? "" : `: ${unfinished}`}`,
      {
        phase,
        mayHaveArrived: false,
      },
    );
    this.limit = limit;
  }
}

const unfinishedSteps: { readonly [Name in Phase]?: string } = {
  dns: "the host name was not resolved",
  connect: "no address accepted the connection",
  tls: "the TLS handshake did not finish",
};

/**
 * The server sent nothing for longer than `timeout.read`: no head, or no further byte of the body. Or its body was slower than
 * `minSpeed`, or took too long while others waited for memory (`maxMemory`).
 */
export class ReadTimeoutError extends TransportError {
  readonly code = "ERR_READ_TIMEOUT";
  /** The limit, in milliseconds. */
  readonly limit: number;

  /** @param cause the phase of a silence, or what the body did not reach. */
  constructor(
    target: string,
    limit: number,
    cause: Phase | { readonly minSpeed: number } | { readonly reason: string },
  ) {
    const isSilence = typeof cause === "string";
    const sent = isSilence
      ? "nothing"
      : "reason" in cause
        ? cause.reason
        : `less than ${cause.minSpeed} bytes a second (minSpeed)`;
    super(`${target} sent ${sent} for ${limit} ms`, {
      phase: isSilence ? cause : "body",
      mayHaveArrived: true,
    });
    this.limit = limit;
  }
}

/** The source of the request body produced nothing for longer than `timeout.read`, while the server waited for more. */
export class UploadTimeoutError extends TransportError {
  readonly code = "ERR_UPLOAD_TIMEOUT";
  /** The limit, in milliseconds. */
  readonly limit: number;

  constructor(target: string, limit: number, mayHaveArrived: boolean) {
    super(`The source of the request body for ${target} produced nothing for ${limit} ms`, {
      phase: "send",
      mayHaveArrived,
    });
    this.limit = limit;
  }
}

/** The attempt took longer than `timeout.attempt`. */
export class AttemptTimeoutError extends TransportError {
  readonly code = "ERR_ATTEMPT_TIMEOUT";
  /** The limit, in milliseconds. */
  readonly limit: number;

  constructor(target: string, limit: number, options: TransportErrorOptions) {
    super(`The attempt at ${target} did not finish within ${limit} ms`, options);
    this.limit = limit;
  }
}

/** The body ended before it was complete (requests calls it ChunkedEncodingError). */
export class IncompleteBodyError extends TransportError {
  readonly code = "ERR_INCOMPLETE_BODY";
  /** The value of Content-Length. Undefined without one. */
  readonly expected: number | undefined;
  /** Bytes received, before decoding. */
  readonly received: number;

  constructor(received: number, expected: number | undefined, options?: ErrorOptions) {
    super(`The body broke off after ${received} of ${expected ?? "an unknown number of"} bytes`, {
      ...options,
      phase: "body",
      mayHaveArrived: true,
    });
    this.received = received;
    this.expected = expected;
  }
}

/** The response is not valid HTTP. */
export class ProtocolError extends TransportError {
  readonly code = "ERR_PROTOCOL";
}

/** The body does not match its Content-Encoding. */
export class DecodeError extends TransportError {
  readonly code = "ERR_DECODE";

  constructor(encoding: string, options?: ErrorOptions) {
    super(`The body is not valid ${encoding}`, { ...options, phase: "body", mayHaveArrived: true });
  }
}

/** The decoded body is larger than `maxBytes`. */
export class BodyTooLargeError extends TransportError {
  readonly code = "ERR_BODY_TOO_LARGE";
  readonly maxBytes: number;

  constructor(maxBytes: number, message = `The body is larger than maxBytes (${maxBytes})`) {
    super(message, { phase: "body", mayHaveArrived: true });
    this.maxBytes = maxBytes;
  }
}

/** The host has no address that `addresses: "public"` allows. Nothing was sent. */
export class AddressNotAllowedError extends TransportError {
  readonly code = "ERR_ADDRESS_NOT_ALLOWED";
  /** The address; undefined for a Unix socket, and for a name that only the proxy would look up. */
  readonly address: string | undefined;

  constructor(message: string, address?: string) {
    super(message, { phase: "connect", mayHaveArrived: false });
    this.address = address;
  }
}

/** The TLS handshake failed. Nothing of the request was sent. */
export class TlsError extends TransportError {
  readonly code = "ERR_TLS";
  /** Whether the certificate was rejected. Then a further attempt does not help. */
  readonly certificate: boolean;
  /** The code of OpenSSL or Node, such as `CERT_HAS_EXPIRED`. */
  readonly errno: string;

  constructor(
    message: string,
    options: ErrorOptions & { readonly certificate: boolean; readonly errno: string },
  ) {
    super(message, { ...options, phase: "tls", mayHaveArrived: false });
    this.certificate = options.certificate;
    this.errno = options.errno;
  }
}

/** The details of a `ProxyError`. */
export interface ProxyErrorOptions extends Partial<TransportErrorOptions> {
  /** What the proxy did. @default the reason for the status, or "unavailable" */
  readonly reason?: ProxyReason;
  /** What is to blame: the proxy or the origin. @default the usual fault for the reason */
  readonly fault?: ProxyFault;
  /** Status of the proxy's response, if it sent one. */
  readonly status?: number;
  /** Wait that the proxy asked for. */
  readonly retryAfter?: string | undefined;
}

/** The request through a proxy failed: at the proxy, or according to the proxy at the origin. */
export class ProxyError extends TransportError {
  readonly code = "ERR_PROXY";
  /** A stable code of the failure. */
  readonly reason: ProxyReason;
  /** Whether the proxy or the origin caused the failure. */
  readonly fault: ProxyFault;
  /** The status of the proxy's response, if it sent one. */
  readonly status: number | undefined;
  /** The Retry-After of the proxy, as sent. `parseRetryAfter` parses it. */
  readonly retryAfter: string | undefined;

  constructor(message: string, { reason, fault, status, retryAfter, ...options }: ProxyErrorOptions = {}) {
    super(message, { phase: "proxy", mayHaveArrived: false, ...options });
    this.reason = reason ?? (status === undefined ? "unavailable" : reasonForStatus(status));
    this.fault = fault ?? defaultFault(this.reason);
    this.status = status;
    // A number or a date is shorter.
    this.retryAfter = retryAfter === undefined ? undefined : shorten(retryAfter, 256);
  }
}

/**
 * The server asks for a longer wait than the call allows. Thrown with `onLongRetryAfter: "defer"`, so that the caller can
 * store the request and send it again at `resumeAt`. `response` is the last response, `cause` the last error.
 */
export class DeferredError extends HoldfastError {
  readonly code = "ERR_DEFERRED";
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly resumeAt: number;

  constructor(resumeAt: number, options?: ErrorOptions) {
    super(`Deferred until ${new Date(resumeAt).toISOString()}: the server asks to wait`, options);
    this.resumeAt = resumeAt;
  }
}

/** No proxy of the pool is available for the target: all are cooling down, or the pool is empty. Nothing was sent. */
export class NoProxyError extends RejectedError {
  readonly code = "ERR_NO_PROXY";
  /** The host of the request. */
  readonly target: string;
  /** When the next proxy is available, in milliseconds since 1970. `Infinity` if waiting does not help. */
  readonly retryAt: number;

  constructor(message: string, { target, retryAt, ...options }: ErrorOptions & NoProxyDetails) {
    super(message, options);
    this.target = target;
    this.retryAt = retryAt;
  }
}

/** The details of a `NoProxyAvailableError`. */
export interface NoProxyDetails {
  readonly target: string;
  readonly retryAt: number;
}

/** The request body is used up, so that it cannot be sent again. The first failure is the cause, if there was one. */
export class BodyNotReplayableError extends HoldfastError {
  readonly code = "ERR_BODY_NOT_REPLAYABLE";
  /** Why the body cannot be sent again. */
  readonly reason: string;

  constructor({
    reason = "it is a stream that was already read",
    ...options
  }: ErrorOptions & { readonly reason?: string } = {}) {
    super(
      `The request body cannot be sent again: ${reason}. Pass bytes, or a function that creates the stream`,
      options,
    );
    this.reason = reason;
  }
}

/** A line of a body is longer than `maxLength` of `lines()` or `jsonLines()`. */
export class LineTooLongError extends HoldfastError {
  readonly code = "ERR_LINE_TOO_LONG";
  /** The limit, in characters. */
  readonly maxLength: number;

  constructor(maxLength: number) {
    super(`A line of the body is longer than maxLength (${maxLength} characters)`);
    this.maxLength = maxLength;
  }
}

/** The request was redirected more than `maxRedirects` times. */
export class TooManyRedirectsError extends HoldfastError {
  readonly code = "ERR_TOO_MANY_REDIRECTS";

  constructor(maxRedirects: number, url: string) {
    super(`More than ${maxRedirects} redirects, the last one to ${url}`);
  }
}

/** The URL is not a valid http or https URL. */
export class InvalidUrlError extends HoldfastError {
  readonly code = "ERR_INVALID_URL";
}

/** The session was closed. It ends all calls in progress, and every later call. */
export class SessionClosedError extends Error {
  override readonly name = "SessionClosedError";
  readonly code = "ERR_SESSION_CLOSED";

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(this, value);
  }

  constructor() {
    super("The session was closed");
  }
}

for (const [name, target] of Object.entries<BrandedClass>({
  TransportError,
  ConnectionError,
  IncompleteBodyError,
  ProtocolError,
  DecodeError,
  BodyTooLargeError,
  AddressNotAllowedError,
  TlsError,
  ProxyError,
  DeferredError,
  NoProxyError,
  BodyNotReplayableError,
  LineTooLongError,
  TooManyRedirectsError,
  InvalidUrlError,
  SessionClosedError,
}))
  brandClass(target, name);

for (const [name, target] of Object.entries<BrandedClass>({
  ConnectTimeoutError,
  ReadTimeoutError,
  UploadTimeoutError,
  AttemptTimeoutError,
}))
  brandClass(target, name, "TimeoutError");
