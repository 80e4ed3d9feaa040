import type { ResponseHeaders } from "./headers.ts";

/** The parts of a response that a message names. */
interface NamedResponse {
  readonly url: string;
  readonly status: number;
  readonly headers: ResponseHeaders;
}

const shownCharacters = 80;

/** Describes a body that is not JSON. `cause` is the error of `JSON.parse`. */
export function describeInvalidJson(
  text: string,
  { url, status, headers }: NamedResponse,
  cause: unknown,
): string {
  const type = headers.get("content-type") ?? "no Content-Type";
  const beginning = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
  const body = text === "" ? "an empty body" : beginning;
  return `${url} responded with ${status} and a body that is not JSON (${type}; ${reasonOfParser(cause)}): ${body}`;
}

/** Returns the message of `JSON.parse` without the quotation from the body. */
function reasonOfParser(cause: unknown): string {
  return cause instanceof Error ? cause.message.replace(/, [."].* is not valid JSON$/s, "") : "unreadable";
}
