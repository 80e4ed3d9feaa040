import { parseList, Token, type BareItem } from "structured-headers";

// Servers name a few limits. A field of 256 KiB could name 40,000.
const maxFieldLength = 8_192;

/** An Item with a String or Token value, and its parameters. Parameters of other types than string and number are left out. */
export interface StructuredItem {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Parses a List of Items (RFC 9651 §3.1, §3.3), as far as the RateLimit fields need it: Strings and Tokens, no Inner Lists.
 * Returns undefined for anything else: a malformed field is ignored completely (§4.2). So is one longer than 8 KiB.
 */
export function parseStructuredItems(field: string): readonly StructuredItem[] | undefined {
  if (field.length > maxFieldLength) return undefined;
  const items = parseListOrEmpty(field).map(([value, parameters]): StructuredItem | undefined => {
    const name = Array.isArray(value) ? undefined : toName(value);
    return name === undefined ? undefined : { name, parameters: toTextParameters(parameters) };
  });
  const named = items.filter((item) => item !== undefined);
  return items.length > 0 && named.length === items.length ? named : undefined;
}

function parseListOrEmpty(field: string): ReturnType<typeof parseList> {
  try {
    return parseList(field);
  } catch {
    return [];
  }
}

function toName(value: BareItem): string | undefined {
  if (value instanceof Token) return value.toString();
  return typeof value === "string" ? value : undefined;
}

function toTextParameters(parameters: ReadonlyMap<string, BareItem>): ReadonlyMap<string, string> {
  const texts = [...parameters].flatMap(([name, value]): [string, string][] =>
    typeof value === "number" ? [[name, String(value)]] : typeof value === "string" ? [[name, value]] : [],
  );
  return new Map(texts);
}
