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
 * Parses an http or https URL.
 *
 * @throws UsageError for any other text.
 */
export function parseHttpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  const suggestion =
    URL.canParse(`https://${text}`) && !text.includes("://")
      ? ` (did you mean https://${printable(text)}?)`
      : "";
  throw new UsageError(`expected an http or https URL, got ${JSON.stringify(printable(text))}${suggestion}`);
}
