import { redact } from "@holdfast/policy";
import { decodeText, parseContentType } from "./headers.ts";
import { isObject } from "../support/validate.ts";

// An explanation is short. A longer body is content.
const maxBytes = 65_536;
const maxCharacters = 300;
const maxDepth = 4;

/** The fields of error bodies, the most telling first: RFC 9457 `detail` and `title`, OAuth 2 `error_description`. */
const fields = [
  "message",
  "detail",
  "error_description",
  "error_message",
  "error",
  "errors",
  "msg",
  "title",
  "reason",
];

/**
 * Returns the explanation of a server in the body of an error response: of JSON, of a problem (RFC 9457), the title of a page,
 * or the first line of text. Undefined without one.
 */
export function readServerMessage(
  bytes: Uint8Array | undefined,
  contentType: string | null,
): string | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  const { essence } = parseContentType(contentType);
  if (essence !== "" && !/^text\/|json$|xml$/.test(essence)) return undefined;
  const text = decodeText(bytes.subarray(0, maxBytes), contentType).trim();
  const parsed = /^[[{"]/.test(text) ? parseJson(text) : undefined;
  if (parsed !== undefined) return shorten(findMessage(parsed, 0));
  if (/^<|html|xml/i.test(essence) || text.startsWith("<"))
    return shorten(/<title[^<>]*>([^<]+)</i.exec(text)?.[1]);
  return shorten(text.split(/[\r\n]/).find((line) => line.trim() !== ""));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function findMessage(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return value;
  if (depth >= maxDepth || !isObject(value)) return undefined;
  const inner = Array.isArray(value)
    ? value.slice(0, 5)
    : fields.filter((name) => Object.hasOwn(value, name)).map((name) => value[name]);
  for (const one of inner) {
    const found = findMessage(one, depth + 1);
    if (found !== undefined && found.trim() !== "") return found;
  }
  return undefined;
}

function shorten(message: string | undefined): string | undefined {
  const line = redact(message?.trim() ?? "")
    .replace(/\s+/g, " ")
    .replace(/\.$/, "");
  if (line === "") return undefined;
  return line.length > maxCharacters ? `${line.slice(0, maxCharacters)}…` : line;
}
