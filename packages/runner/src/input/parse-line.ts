import { findSpaceProblem, removeComment } from "@holdfast/policy/internal";
import type { NewJob } from "../ledger/job.ts";

/** The meaning of a line: ignored, a request, or text that cannot be a request. */
export type ParsedLine =
  | { readonly kind: "ignored" }
  | { readonly kind: "job"; readonly method: NewJob["method"]; readonly url: string }
  | { readonly kind: "invalid"; readonly text: string; readonly reason: string };

/** The longest URL, in characters. The limits of common servers and browsers are far below. */
const maxUrlLength = 65_536;
const maxKeptLength = 200;
const scheme = /^([a-z][a-z0-9+.-]*):/i;
const httpScheme = /^https?:\/\//i;

/**
 * Parses one line of a list. A blank line is ignored, and so is a comment: `#` or `//` at the beginning of a line or after a
 * space, to its end. Any other line is a URL to fetch with GET, or invalid with a reason. The URL is normalised (WHATWG URL
 * standard), and its fragment, which is never sent, is removed.
 */
export function parseLine(line: string): ParsedLine {
  const text = line.length > maxUrlLength ? line.trim() : removeComment(line);
  if (text === "") return { kind: "ignored" };
  const problem = findProblem(text);
  if (problem !== undefined)
    return { kind: "invalid", text: text.slice(0, maxKeptLength), reason: `bad-input: ${problem}` };
  const url = new URL(text);
  url.hash = "";
  return { kind: "job", method: "GET", url: url.href };
}

function findProblem(text: string): string | undefined {
  if (text.length > maxUrlLength) return `longer than ${maxUrlLength} characters`;
  const spaceProblem = findSpaceProblem(text);
  if (spaceProblem !== undefined) return spaceProblem;
  if (!scheme.test(text) || /^[^/:]+:\d+(\/|$)/.test(text)) return "no http:// or https:// in front";
  if (!/^https?:/i.test(text)) return "only http and https URLs can be fetched";
  if (!httpScheme.test(text)) return "no // after the scheme";
  return URL.canParse(text) ? undefined : "not a URL that can be understood";
}
