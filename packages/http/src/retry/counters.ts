/** A counter of a `Retry` that an error decrements, in addition to `total`. */
export type ErrorCounter = "connect" | "read" | "other";

const connectPhases: ReadonlySet<unknown> = new Set(["dns", "connect"]);

/**
 * Returns the counter that an error decrements:
 *
 * - `connect`: the request was not sent, because no connection to the server or the proxy could be opened;
 * - `read`: the request may have arrived, and no complete response came back;
 * - `other`: TLS errors, damaged bodies and all others.
 *
 * These are urllib3's classes, with one difference: a connection that broke before the request could arrive counts as
 * `connect`, so that the method does not matter.
 */
export function counterFor(error: unknown): ErrorCounter {
  const { code, phase, mayHaveArrived, cause } = fieldsOfError(error);
  switch (code) {
    case "ERR_CONNECT_TIMEOUT":
      return "connect";
    case "ERR_CONNECTION":
      return connectPhases.has(phase) || mayHaveArrived === false ? "connect" : "read";
    case "ERR_READ_TIMEOUT":
    case "ERR_ATTEMPT_TIMEOUT":
    case "ERR_INCOMPLETE_BODY":
    case "ERR_PROTOCOL":
      return "read";
    case "ERR_PROXY":
      return counterFor(cause) === "connect" ? "connect" : "other";
    default:
      return "other";
  }
}

type ErrorFields = Readonly<Partial<Record<"code" | "phase" | "mayHaveArrived" | "cause", unknown>>>;

function fieldsOfError(error: unknown): ErrorFields {
  return error instanceof Error ? error : {};
}
