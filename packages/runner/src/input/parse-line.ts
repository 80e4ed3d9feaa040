import type { NewJob } from "../ledger/job.ts";

/** What a line of a list is: not counted, a request, or text that cannot be one. */
export type ParsedLine =
  | { readonly kind: "ignored" }
  | { readonly kind: "job"; readonly method: NewJob["method"]; readonly url: string }
  | { readonly kind: "invalid"; readonly text: string; readonly reason: string };

/** No URL is longer: the longest that common servers and browsers take is far below. */
const maxUrlLength = 65_536;
const maxKeptLength = 200;
const scheme = /^([a-z][a-z0-9+.-]*):/i;
const httpScheme = /^https?:\/\//i;

/**
 * Reads one line of a text list: blank lines and lines that begin with `#` are not counted, anything else is a URL
 * to be fetched with GET, or bad input with a reason that says what is wrong.
 * The URL is normalised (WHATWG URL standard) and loses its fragment, which is never sent.
 */
export function parseLine(line: string): ParsedLine {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return { kind: "ignored" };
  const wrong = findProblem(text);
  if (wrong !== undefined)
    return { kind: "invalid", text: text.slice(0, maxKeptLength), reason: `bad-input: ${wrong}` };
  const url = new URL(text);
  url.hash = "";
  return { kind: "job", method: "GET", url: url.href };
}

function findProblem(text: string): string | undefined {
  if (text.length > maxUrlLength) return `longer than ${maxUrlLength} characters`;
  // The URL parser would drop tabs silently and encode spaces.
  if (/\s/.test(text)) return "a URL cannot contain spaces";
  if (!scheme.test(text) || /^[^/:]+:\d+(\/|$)/.test(text)) return "no http:// or https:// in front";
  if (!/^https?:/i.test(text)) return "only http and https URLs can be fetched";
  if (!httpScheme.test(text)) return "no // after the scheme";
  return URL.canParse(text) ? undefined : "not a URL that can be understood";
}
