import { redact } from "@holdfast/policy";
import type { HttpRequest } from "./request.ts";

/** Method and URL of a request, as plain data that is safe to log and store. */
export interface RequestSummary {
  readonly method: string;
  /** Without credentials. Secret query parameters read `***`. */
  readonly url: string;
}

// URLs without a query, a user and a fragment contain no secrets.
const plain = /^https?:\/\/[^/?#@]+\/[\w\-./~]*$/;

/** Describes a request without credentials. Hot path: most URLs need no redaction, which is slow. */
export function summarizeRequest({
  method,
  url: { href },
}: Pick<HttpRequest, "method" | "url">): RequestSummary {
  return { method, url: plain.test(href) ? href : redact(href) };
}
