import { redact } from "@holdfast/policy";
import type { HttpRequest } from "./request.ts";

/** What was asked: plain data, safe to log and to store. */
export interface RequestSummary {
  readonly method: string;
  /** Without credentials: secret query parameters read `***`. */
  readonly url: string;
}

// Nothing in it can be a secret's name with its value, or a user.
const plain = /^https?:\/\/[^/?#@]+\/[\w\-./~]*$/;

/** What a request asks, as it may be told. Hot path: most URLs have nothing to hide, and to look closer takes a while. */
export function summarizeRequest({
  method,
  url: { href },
}: Pick<HttpRequest, "method" | "url">): RequestSummary {
  return { method, url: plain.test(href) ? href : redact(href) };
}
