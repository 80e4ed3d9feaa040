import { addField } from "../wire/head.ts";
import type { RawResponse } from "../wire/messages.ts";

/** Converts the names and values of a response, in turn, without the pseudo fields. A repeated name gets a list of values. */
export function toResponseHeaders(rawHeaders: readonly string[]): RawResponse["headers"] {
  const headers: RawResponse["headers"] = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (!name.startsWith(":")) addField(headers, name, value);
  }
  return headers;
}
