import { decodeText, type HttpResponse } from "../../model/response.ts";
import { previewBody } from "../../model/streamed-response.ts";
import type { Reply } from "./dialect.ts";

// An explanation is short; what is longer is content.
const longestBody = 65_536;

/** Shows a response to the dialects, as it came at the instant `now`; its body is read once, and when one asks for it. */
export function toReply(response: HttpResponse, now: number): Reply {
  let read: string | undefined;
  let parsed: { readonly value: unknown } | undefined;
  const text = (): string => (read ??= readableOf(response));
  return {
    status: response.status,
    headers: response.headers,
    body: () => (parsed ??= { value: isOf(response, /\bjson\b/i) ? jsonOf(text()) : undefined }).value,
    text,
    now,
  };
}

function isOf({ headers }: HttpResponse, kind: RegExp): boolean {
  return kind.test(headers.get("content-type") ?? "");
}

function readableOf(response: HttpResponse): string {
  if (!isOf(response, /\b(?:json|xml)\b/i)) return "";
  const preview = previewBody(response);
  if (preview === undefined || preview.byteLength > longestBody) return "";
  return decodeText(preview, response.headers.get("content-type"));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
