import { redact } from "@holdfast/policy";
import { shorten } from "@holdfast/policy/internal";
import type { HttpRequest } from "./request.ts";

/** Method and URL of a request, as plain data that is safe to log and store. */
export interface RequestSummary {
  readonly method: string;
  /** Without credentials. Secret query parameters read `***`. Of a URL longer than 2,000 characters, the middle is left out. */
  readonly url: string;
}

// URLs without a query, a user and a fragment contain no secrets.
const plain = /^https?:\/\/[^/?#@]+\/[\w\-./~]*$/;

const maxLength = 2_000;

/** Describes a request without credentials. Hot path: most URLs need no redaction, which is slow. */
export function summarizeRequest({
  method,
  url: { href },
}: Pick<HttpRequest, "method" | "url">): RequestSummary {
  return {
    method,
    url: plain.test(href) && href.length <= maxLength ? href : shorten(redact(href), maxLength),
  };
}
