import { HoldfastError, RejectedError } from "@holdfast/policy";
import { defaultFault, reasonForStatus, type ProxyFault, type ProxyReason } from "./proxy-reason.ts";

/** How far an exchange had come when it failed. */
export type Phase = "dns" | "connect" | "tls" | "proxy" | "send" | "headers" | "body";

export interface TransportErrorOptions extends ErrorOptions {
  readonly phase: Phase;
  /** Whether the server may have received the request, and so may have acted on it. */
  readonly mayHaveArrived: boolean;
}

/**
 * A request that got no usable answer.
 *
 * ```
 * HoldfastError (of @holdfast/policy)
 * ├─ TransportError (abstract)     phase; mayHaveArrived
 * │  ├─ ConnectionError            ERR_CONNECTION          refused, reset, name not found
 * │  ├─ ConnectTimeoutError        ERR_CONNECT_TIMEOUT     limit
 * │  ├─ ReadTimeoutError           ERR_READ_TIMEOUT        limit
 * │  ├─ UploadTimeoutError         ERR_UPLOAD_TIMEOUT      limit: the source of the request's body stalled
 * │  ├─ AttemptTimeoutError        ERR_ATTEMPT_TIMEOUT     limit
 * │  ├─ IncompleteBodyError        ERR_INCOMPLETE_BODY     expected, received
 * │  ├─ ProtocolError              ERR_PROTOCOL            what came is not HTTP
 * │  ├─ DecodeError                ERR_DECODE              the body is not what its Content-Encoding says
 * │  ├─ BodyTooLargeError          ERR_BODY_TOO_LARGE      maxBytes
 * │  ├─ TlsError                   ERR_TLS                 certificate, when it is what was refused
 * │  └─ ProxyError                 ERR_PROXY               the way through a proxy: reason, fault, status, retryAfter
 * ├─ NoProxyError (RejectedError)  ERR_NO_PROXY            target, retryAt
 * ├─ DeferredError                 ERR_DEFERRED            resumeAt: the server wants to be asked again, later than one waits
 * ├─ BodyNotReplayableError        ERR_BODY_NOT_REPLAYABLE
 * ├─ TooManyRedirectsError         ERR_TOO_MANY_REDIRECTS
 * ├─ InvalidUrlError               ERR_INVALID_URL
 * ├─ DigestError                   ERR_DIGEST              path; algorithm, expected, actual
 * ├─ DiskFullError                 ERR_DISK_FULL           path; need, free
 * ├─ FileBusyError                 ERR_FILE_BUSY           path: somebody else is writing the file
 * ├─ FileAccessError               ERR_FILE_ACCESS         path; errno: the system does not let it be written
 * ├─ SchemaError                   ERR_SCHEMA              issues: JSON, but not what was asked for
 * └─ StatusError                   ERR_STATUS              response, verdict; only when asked for
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

/** The connection could not be made, or broke: refused, reset, closed, or the name does not resolve. */
export class ConnectionError extends TransportError {
  readonly code = "ERR_CONNECTION";
  /** The platform's own code, such as `ECONNREFUSED`, `ECONNRESET` or `ENOTFOUND`. */
  readonly errno: string;

  constructor(message: string, options: TransportErrorOptions & { readonly errno: string }) {
    super(message, options);
    this.errno = options.errno;
  }
}

/** No connection, TLS included, within the connect limit. Nothing was sent. */
export class ConnectTimeoutError extends TransportError {
  readonly code = "ERR_CONNECT_TIMEOUT";
  /** The limit, in milliseconds. */
  readonly limit: number;

  constructor(target: string, limit: number, phase: Phase = "connect") {
    const missing = unmet[phase];
    super(`No connection to ${target} within ${limit} ms${missing === undefined ? "" : `: ${missing}`}`, {
      phase,
      mayHaveArrived: false,
    });
    this.limit = limit;
  }
}

const unmet: { readonly [Name in Phase]?: string } = {
  dns: "its name was not resolved by then",
  connect: "no address had answered by then",
  tls: "the TLS handshake was not done by then",
};

/** The server was silent for longer than the read limit: no head, or no further byte of the body. */
export class ReadTimeoutError extends TransportError {
  readonly code = "ERR_READ_TIMEOUT";
  /** The limit, in milliseconds. */
  readonly limit: number;

  constructor(target: string, limit: number, phase: Phase) {
    super(`${target} was silent for ${limit} ms`, { phase, mayHaveArrived: true });
    this.limit = limit;
  }
}

/** What gives the request's body gave nothing for longer than the read limit, while the server had taken all there was. */
export class UploadTimeoutError extends TransportError {
  readonly code = "ERR_UPLOAD_TIMEOUT";
  /** The limit, in milliseconds. */
  readonly limit: number;

  constructor(target: string, limit: number, mayHaveArrived: boolean) {
    super(`The source of the body for ${target} gave nothing for ${limit} ms`, {
      phase: "send",
      mayHaveArrived,
    });
    this.limit = limit;
  }
}

/** The attempt as a whole took longer than its limit. */
export class AttemptTimeoutError extends TransportError {
  readonly code = "ERR_ATTEMPT_TIMEOUT";
  /** The limit, in milliseconds. */
  readonly limit: number;

  constructor(target: string, limit: number, options: TransportErrorOptions) {
    super(`The attempt at ${target} was not done within ${limit} ms`, options);
    this.limit = limit;
  }
}

/** The body ended before it was whole (what requests calls a ChunkedEncodingError). */
export class IncompleteBodyError extends TransportError {
  readonly code = "ERR_INCOMPLETE_BODY";
  /** Bytes announced by Content-Length; undefined where the framing does not say. */
  readonly expected: number | undefined;
  /** Bytes that came, as sent. */
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

/** What came back is not an answer in HTTP. */
export class ProtocolError extends TransportError {
  readonly code = "ERR_PROTOCOL";
}

/** The body is not what its Content-Encoding says. */
export class DecodeError extends TransportError {
  readonly code = "ERR_DECODE";

  constructor(encoding: string, options?: ErrorOptions) {
    super(`The body is not valid ${encoding}`, { ...options, phase: "body", mayHaveArrived: true });
  }
}

/** The body, decoded, is larger than the caller allows. */
export class BodyTooLargeError extends TransportError {
  readonly code = "ERR_BODY_TOO_LARGE";
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(`The body is larger than ${maxBytes} bytes`, { phase: "body", mayHaveArrived: true });
    this.maxBytes = maxBytes;
  }
}

/** The TLS handshake failed. Nothing of the request was sent. */
export class TlsError extends TransportError {
  readonly code = "ERR_TLS";
  /** Whether the certificate is what was refused, which no further attempt will change. */
  readonly certificate: boolean;
  /** OpenSSL's or Node's own code, such as `CERT_HAS_EXPIRED`. */
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

export interface ProxyErrorOptions extends Partial<TransportErrorOptions> {
  /** @default what the status means, else "unavailable" */
  readonly reason?: ProxyReason;
  /** @default what the reason says */
  readonly fault?: ProxyFault;
  readonly status?: number;
  readonly retryAfter?: string | undefined;
}

/** The way through a proxy failed: the proxy itself, or by its own word what is behind it. */
export class ProxyError extends TransportError {
  readonly code = "ERR_PROXY";
  /** What went wrong, in one word. */
  readonly reason: ProxyReason;
  /** Whose fault it was. */
  readonly fault: ProxyFault;
  /** What the proxy answered, where it answered in HTTP. */
  readonly status: number | undefined;
  /** The proxy's Retry-After, as sent; `parseRetryAfter` reads it. */
  readonly retryAfter: string | undefined;

  constructor(message: string, { reason, fault, status, retryAfter, ...options }: ProxyErrorOptions = {}) {
    super(message, { phase: "proxy", mayHaveArrived: false, ...options });
    this.reason = reason ?? (status === undefined ? "unavailable" : reasonForStatus(status));
    this.fault = fault ?? defaultFault(this.reason);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * The server wants to be asked again later than the call may wait: thrown where the rule says `onLongRetryAfter: "defer"`, for whoever
 * keeps the request and sends it again at `resumeAt`. The last answer is its `response`, the last error its cause.
 */
export class DeferredError extends HoldfastError {
  readonly code = "ERR_DEFERRED";
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly resumeAt: number;

  constructor(resumeAt: number, options?: ErrorOptions) {
    super(`Not before ${new Date(resumeAt).toISOString()}, as the server asks`, options);
    this.resumeAt = resumeAt;
  }
}

/** No proxy of the pool is fit for the target: all of them rest, or there is none. Nothing was sent, and nothing goes around. */
export class NoProxyError extends RejectedError {
  readonly code = "ERR_NO_PROXY";
  /** The host that was to be reached. */
  readonly target: string;
  /** When the next proxy is fit, in milliseconds since 1970; `Infinity` where waiting does not help. */
  readonly retryAt: number;

  constructor(message: string, { target, retryAt, ...options }: ErrorOptions & NoProxyDetails) {
    super(message, options);
    this.target = target;
    this.retryAt = retryAt;
  }
}

export interface NoProxyDetails {
  readonly target: string;
  readonly retryAt: number;
}

/** The body is a stream that was read already: sending it again would send less. The first failure is the cause. */
export class BodyNotReplayableError extends HoldfastError {
  readonly code = "ERR_BODY_NOT_REPLAYABLE";

  constructor(options?: ErrorOptions) {
    super("The body is a stream that was already read; give a function that makes it anew", options);
  }
}

/** More redirects than allowed. */
export class TooManyRedirectsError extends HoldfastError {
  readonly code = "ERR_TOO_MANY_REDIRECTS";

  constructor(maxRedirects: number, url: string) {
    super(`More than ${maxRedirects} redirects, the last one to ${url}`);
  }
}

/** The URL is not one that can be asked: not a URL, or not http or https. */
export class InvalidUrlError extends HoldfastError {
  readonly code = "ERR_INVALID_URL";
}

/** The session was closed: what ends its calls, as an abort's reason does, and every call that comes later. */
export class SessionClosedError extends Error {
  override readonly name = "SessionClosedError";
  readonly code = "ERR_SESSION_CLOSED";

  constructor() {
    super("The session was closed");
  }
}
