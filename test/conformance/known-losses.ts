/** A test that the platform's fetch passes, and `createFetch` does not. */
export interface KnownLoss {
  readonly file: string;
  /** The beginning of its name. */
  readonly test: string;
  readonly reason: string;
}

/** Every test that `createFetch` may lose against the platform's fetch, at most five. */
export const knownLosses: readonly KnownLoss[] = [
  {
    file: "/fetch/h1-parsing/lone-cr.window.js",
    test: "Parsing response with a lone CR before message-body (HTTP/1.1 200 OK Header: Value Body)",
    reason:
      "The head has no lone CR. Its lines end with LF, or with CRLF, and a recipient may take both for a line end (RFC 9112 §2.2). All nine heads with a lone CR are refused",
  },
  {
    file: "test/headers.ts",
    test: "setting `content-length` to 0",
    reason:
      "The request is refused, as it has to be: its body has another length. The test looks for undici's code of that error",
  },
  {
    file: "test/retry.ts",
    test: "invalid Retry-After header falls back to retry delay",
    reason:
      "The test records every setTimeout of the process, and finds the 10 ms after which the transport looks at its limits",
  },
  {
    file: "test/retry.ts",
    test: "invalid 413 Retry-After header falls back to retry delay",
    reason: "The same",
  },
];
