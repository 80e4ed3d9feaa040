/** One way in which a server offers to be convinced (RFC 9110 §11.6.1). */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case, values unquoted. */
  readonly params: Readonly<Record<string, string>>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const schemeStart = new RegExp(`^(${token})(?:\\s+|$|(?=,))`);
const param = new RegExp(`^(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))`);

/** Reads a WWW-Authenticate header, several challenges joined by commas included; what cannot be read ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; params: Record<string, string> }[] = [];
  let rest = header.trim();
  while (rest !== "") {
    const [matched, name, quoted, bare] = param.exec(rest) ?? [];
    const last = challenges.at(-1);
    if (matched !== undefined && name !== undefined && last !== undefined) {
      last.params[name.toLowerCase()] = bare ?? (quoted ?? "").replace(/\\(.)/g, "$1");
      rest = afterComma(rest.slice(matched.length));
      continue;
    }
    const [start, scheme] = schemeStart.exec(rest) ?? [];
    if (start === undefined || scheme === undefined) break;
    challenges.push({ scheme: scheme.toLowerCase(), params: {} });
    rest = afterComma(rest.slice(start.length));
  }
  return challenges;
}

function afterComma(text: string): string {
  return text.replace(/^[\s,]+/, "");
}
