import type { LineFilter } from "@holdfast/runner";
import { OptionError } from "../process/usage-error.ts";

/** The lines of a help text about `--where`. */
export const whereHelp = `EXPR is 'FIELD OP VALUE', joined by and, or and parentheses. FIELD is one of the
exported JSON. OP is = != < > or ~ (a regular expression). Quote a VALUE with a
space: 'status = 404 or (state = failed and reason ~ "^timeout")'.`;

/**
 * Parses the expression of `--where`; undefined stays undefined.
 *
 * @throws UsageError that names the place of the fault.
 */
export async function parseWhereOption(text: string | undefined): Promise<LineFilter | undefined> {
  if (text === undefined) return undefined;
  const { parseWhere } = await import("@holdfast/runner");
  try {
    return parseWhere(text);
  } catch (error) {
    throw error instanceof TypeError ? new OptionError("where", error.message) : error;
  }
}

/**
 * Returns the filter for the lines of `--refetch`: a URL as in a list, in which `*` stands for any text.
 *
 * @throws UsageError for text that is no URL.
 */
export async function parseRefetchOption(urls: readonly string[]): Promise<LineFilter> {
  const { parseLine } = await import("@holdfast/runner");
  const patterns = urls.map((text) => {
    const line = parseLine(text);
    if (line.kind === "job") return toPattern(line.url);
    if (text.startsWith("*")) return toPattern(text);
    throw new OptionError("refetch", "must be a URL of the list; * stands for any text", text);
  });
  return ({ url }) => patterns.some((pattern) => pattern.test(url));
}

function toPattern(url: string): RegExp {
  const parts = url.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`, "su");
}
