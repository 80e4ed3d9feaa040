import { ownValue } from "@holdfast/policy/internal";
import { ConnectTimeoutError, IncompleteBodyError, ReadTimeoutError } from "../errors/transport-errors.ts";
import { toTlsError } from "../transport/connect/tls.ts";
import { errorCode } from "../transport/errors/error-code.ts";
import { translateError, type ExchangeProgress } from "../transport/exchange/translate-error.ts";
import type { Timeouts } from "../transport/timeouts.ts";

/** An attempt through another dispatcher, when it failed. */
export interface FailedAttempt extends ExchangeProgress {
  readonly hostname: string;
  readonly timeouts: Timeouts;
}

/**
 * Converts an error of undici to one of this package, so that the rules know what it means. Errors of the caller, such as a wrong
 * argument, stay as they are and end the call.
 */
export function toAttemptError(cause: unknown, attempt: FailedAttempt): unknown {
  if (!(cause instanceof Error)) return cause;
  const code = errorCode(cause);
  const known = ownValue(byCode, code)?.(cause, attempt);
  if (known !== undefined) return known;
  if (/^(?:E[A-Z]+|HPE_\w+)$/.test(code)) return translateError(cause, attempt);
  return attempt.phase === "connect" && tlsCodes.test(code) ? toTlsError(attempt.hostname, cause) : cause;
}

const tlsCodes =
  /^(?:ERR_SSL_|ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(?:CA|PURPOSE))/;

type Translate = (cause: Error, attempt: FailedAttempt) => Error;

const closed: Translate = (cause, attempt) =>
  translateError(Object.assign(new Error(cause.message, { cause }), { code: "ECONNRESET" }), attempt);

const silent: Translate = (_, { target, timeouts, phase }) =>
  new ReadTimeoutError(target, timeouts.read, phase);

const byCode: Readonly<Record<string, Translate | undefined>> = {
  UND_ERR_CONNECT_TIMEOUT: (_, { target, timeouts }) => new ConnectTimeoutError(target, timeouts.connect),
  UND_ERR_HEADERS_TIMEOUT: silent,
  UND_ERR_BODY_TIMEOUT: silent,
  UND_ERR_SOCKET: closed,
  UND_ERR_INFO: closed,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: (cause, { received, expected }) =>
    new IncompleteBodyError(received, expected, { cause }),
};
