import { addField } from "../wire/head.ts";
import type { RawResponse } from "../wire/messages.ts";

/** Maximum size of a head, the same as over HTTP/1.1. Each field counts 32 bytes more (RFC 9113 §6.5.2), which also limits their number. */
export const maxHeadBytes: number = 256 * 1024;

/** Returns whether a head is larger than its maximum. Node applies it only after the server has acknowledged the SETTINGS. */
export function isLargeHead(rawHeaders: readonly string[]): boolean {
  let bytes = 0;
  // Each field has a name and a value.
  for (const text of rawHeaders) bytes += text.length + 16;
  return bytes > maxHeadBytes;
}

/** Converts the names and values of a response, in turn, without the pseudo fields. A repeated name gets a list of values. */
export function toResponseHeaders(rawHeaders: readonly string[]): RawResponse["headers"] {
  const headers: RawResponse["headers"] = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    if (!name.startsWith(":")) addField(headers, name, value);
  }
  return headers;
}
