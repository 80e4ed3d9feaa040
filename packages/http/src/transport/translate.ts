import { ConnectionError, IncompleteBodyError, ProtocolError, TransportError, type Phase } from "../errors.ts";
import { StaleConnection } from "./connection.ts";
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

// What llhttp says when the connection ends in the middle of a message, not when the message is wrong.
const cutShort = new Set(["HPE_INVALID_EOF_STATE", "UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "UND_ERR_SOCKET", "ECONNRESET", "EPIPE", "ETIMEDOUT"]);

// A wrong argument of the caller's, which undici finds while it writes the head.
const wrongArgument = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH", "UND_ERR_NOT_SUPPORTED"]);

/** Says what an error of undici or of the platform means, in our terms, with the original as its cause. */
export function translate(cause: unknown, progress: Progress): Error {
  if (cause instanceof TransportError) return cause;
  const code = codeOf(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (wrongArgument.has(code)) return new TypeError(reason, { cause });
  if (cause instanceof StaleConnection) return closed(progress, "ECONNRESET", cause);
  if (reason === "bad response" || reason === "bad upgrade") return notHttp("an answer that nobody asked for", progress, cause);
  if (!cutShort.has(code)) return code.startsWith("E") ? closed(progress, code, cause) : notHttp(reason, progress, cause);
  return progress.phase === "body"
    ? new IncompleteBodyError(progress.received, progress.expected, { cause })
    : closed(progress, code.startsWith("E") ? code : "ECONNRESET", cause);
}

function closed({ target, phase, mayHaveArrived }: Progress, errno: string, cause: unknown): ConnectionError {
  const when = phase === "headers" ? "before it answered" : `during ${phase}`;
  return new ConnectionError(`${target} closed the connection ${when} (${errno})`, { cause, errno, phase, mayHaveArrived });
}

function notHttp(reason: string, { target, phase, mayHaveArrived }: Progress, cause: unknown): ProtocolError {
  return new ProtocolError(`${target} does not speak HTTP as it should: ${reason}`, { cause, phase, mayHaveArrived });
}
