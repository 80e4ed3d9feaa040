import { ConnectionError } from "../errors/transport-errors.ts";

/** Codes of a connection that was not opened: of the systems, of Node's fetch and of Bun's. */
const neverConnected: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
  "FailedToOpenSocket",
]);

/**
 * Describes a failure of the platform's fetch for the retry rules. Browsers say only that there was no response: the request may
 * have arrived then.
 */
export function describeError(error: unknown): ConnectionError {
  const code = codeOf(error) ?? codeOf(error instanceof Error ? error.cause : undefined);
  const neverArrived = code !== undefined && neverConnected.has(code);
  return new ConnectionError(error instanceof Error ? error.message : String(error), {
    phase: neverArrived ? "connect" : "headers",
    mayHaveArrived: !neverArrived,
    errno: code === "ConnectionRefused" ? "ECONNREFUSED" : (code ?? ""),
    cause: error,
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
