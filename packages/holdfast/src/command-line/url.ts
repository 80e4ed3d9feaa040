import { findSpaceProblem, removeComment } from "@holdfast/policy/internal";
import { printable } from "../process/printable.ts";
import { UsageError } from "../process/usage-error.ts";

/**
 * Returns the one URL of a command line.
 *
 * @throws UsageError when there is no URL, more than one, or one that is not http or https.
 */
export function parseOnlyUrl(positionals: readonly string[]): URL {
  const [text, ...more] = positionals;
  if (text === undefined || more.length > 0)
    throw new UsageError(`expected one URL, got ${positionals.length} (to fetch several, use holdfast run)`);
  return parseHttpUrl(text);
}

/**
 * Parses an http or https URL, by the rules of a line of a list about spaces and comments.
 *
 * @throws UsageError for any other text.
 */
export function parseHttpUrl(text: string): URL {
  const word = removeComment(text);
  const problem = findSpaceProblem(word);
  if (problem !== undefined)
    throw new UsageError(`expected an http or https URL, got ${JSON.stringify(printable(text))}: ${problem}`);
  const url = URL.parse(word);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  const suggestion =
    URL.canParse(`https://${text}`) && !text.includes("://")
      ? ` (did you mean https://${printable(text)}?)`
      : "";
  throw new UsageError(`expected an http or https URL, got ${JSON.stringify(printable(text))}${suggestion}`);
}
