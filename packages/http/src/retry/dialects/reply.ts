import { decodeText, isContentType } from "../../model/headers.ts";
import type { JudgedResponse } from "../judge.ts";
import type { Reply } from "./dialect.ts";

// An error message is short. A longer body is content.
const longestBody = 65_536;

/** Creates the view of a response for the dialects. `now` is its arrival. The body is decoded and parsed on demand, once. */
export function toReply(response: JudgedResponse, now: number): Reply {
  let read: string | undefined;
  let parsed: { readonly value: unknown } | undefined;
  const text = (): string => (read ??= readableText(response));
  return {
    status: response.status,
    headers: response.headers,
    body: () =>
      (parsed ??= { value: hasContentType(response, /\bjson\b/i) ? parseJsonOrUndefined(text()) : undefined })
        .value,
    text,
    now,
  };
}

function hasContentType({ headers }: JudgedResponse, kind: RegExp): boolean {
  return isContentType(headers.get("content-type"), kind);
}

function readableText(response: JudgedResponse): string {
  if (!hasContentType(response, /\b(?:json|xml)\b/i)) return "";
  const preview = response.preview();
  if (preview === undefined || preview.byteLength > longestBody) return "";
  return decodeText(preview, response.headers.get("content-type"));
}

// What a JSON text begins with, after white space (RFC 8259 §2).
const jsonStart = /^[\t\n\r ]*[[{"\dtfn-]/;

function parseJsonOrUndefined(text: string): unknown {
  // To create and throw an error was measured to cost more than the rest of a failed attempt.
  if (!jsonStart.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
