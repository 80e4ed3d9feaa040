import { textOf, type Response } from "../../response.ts";
import type { Reply } from "./dialect.ts";

// An explanation is short; what is longer is content.
const longestBody = 65_536;

/** Shows a response to the dialects, as it came at the instant `now`; its body is parsed once, and when one asks for it. */
export function replyOf(response: Response, now: number): Reply {
  let parsed: { readonly value: unknown } | undefined;
  return {
    status: response.status,
    headers: response.headers,
    body: () => (parsed ??= { value: jsonOf(response) }).value,
    now,
  };
}

function jsonOf(response: Response): unknown {
  const type = response.headers.get("content-type");
  if (!/\bjson\b/i.test(type ?? "")) return undefined;
  try {
    // A streamed response has no content yet, and says so by throwing.
    const { content } = response;
    return content.byteLength > longestBody ? undefined : JSON.parse(textOf(content, type));
  } catch {
    return undefined;
  }
}
