/** Which of the counters of a `Retry` an error takes from, beside `total`. */
export type ErrorCounter = "connect" | "read" | "other";

const connecting: ReadonlySet<unknown> = new Set(["dns", "connect"]);

/**
 * Says which counter an error takes from: `connect` when the request was never sent for want of a connection, to a
 * proxy included; `read` when it may have arrived and no whole answer came; `other` for TLS, a damaged body, and the
 * rest (urllib3's classes, with one difference: a connection that broke before the request could arrive is `connect`,
 * so that the method plays no part).
 */
export function countedAs(error: unknown): ErrorCounter {
  const { code, phase, mayHaveArrived, cause } = fieldsOf(error);
  switch (code) {
    case "ERR_CONNECT_TIMEOUT":
      return "connect";
    case "ERR_CONNECTION":
      return connecting.has(phase) || mayHaveArrived === false ? "connect" : "read";
    case "ERR_READ_TIMEOUT":
    case "ERR_ATTEMPT_TIMEOUT":
    case "ERR_INCOMPLETE_BODY":
    case "ERR_PROTOCOL":
      return "read";
    case "ERR_PROXY":
      return countedAs(cause) === "connect" ? "connect" : "other";
    default:
      return "other";
  }
}

type Fields = Readonly<Partial<Record<"code" | "phase" | "mayHaveArrived" | "cause", unknown>>>;

function fieldsOf(error: unknown): Fields {
  return error instanceof Error ? error : {};
}
