/** An Item whose value is a String or a Token, with its parameters as they are written. */
export interface StructuredItem {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const string = String.raw`"(?:[ !#-[\]-~]|\\["\\])*"`;
const token = String.raw`[A-Za-z*][\w!#$%&'*+.^\x60|~:/-]*`;
const other = String.raw`:[A-Za-z0-9+/=]*:|\?[01]|-?\d{1,12}\.\d{1,3}|-?\d{1,15}`;
const key = String.raw`[a-z*][a-z0-9_.*-]*`;
const parameter = `; *(${key})(?:=(${string}|${token}|${other}))?`;
const separator = String.raw`[ \t]*(?:(,)[ \t]*|$)`;

/**
 * Reads a List of Items (RFC 9651 §3.1, §3.3), as far as the RateLimit fields need it: no Inner Lists, and no Items but
 * Strings and Tokens. Undefined when it is anything else: a malformed field is ignored whole (§4.2).
 */
export function structuredItems(field: string): readonly StructuredItem[] | undefined {
  const text = field.trim();
  const item = new RegExp(`(${string}|${token})((?:${parameter})*)${separator}`, "y");
  const items: StructuredItem[] = [];
  for (let more = true; more;) {
    const match = item.exec(text);
    if (match === null) return undefined;
    items.push({ name: unquoted(match[1] ?? ""), parameters: parametersOf(match[2] ?? "") });
    more = match.at(-1) === ",";
  }
  return items;
}

function parametersOf(text: string): ReadonlyMap<string, string> {
  const found = text.matchAll(new RegExp(parameter, "g"));
  // The last of several wins (§4.2.3.2); a key alone is true.
  return new Map([...found].map(([, name = "", value = "?1"]) => [name, unquoted(value)]));
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : value;
}
