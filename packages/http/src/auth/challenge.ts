/** An authentication scheme that a server offers (RFC 9110 §11.6.1). */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case, values unquoted. */
  readonly params: Readonly<Record<string, string>>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const schemeStart = new RegExp(`^(${token})(?:\\s+|$|(?=,))`);
const param = new RegExp(`^(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))`);

interface HeaderPart {
  /** As written in the header. */
  readonly text: string;
  /** The start of a challenge, or a further parameter of the challenge before. */
  readonly meaning: { readonly scheme: string } | { readonly name: string; readonly value: string };
}

/** Parses a WWW-Authenticate header with one or several challenges. The list ends at the first syntax error. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { readonly scheme: string; readonly params: Record<string, string> }[] = [];
  let rest = header.trim();
  for (let part = readPart(rest, false); part !== undefined; part = readPart(rest, true)) {
    const { text, meaning } = part;
    if ("scheme" in meaning) challenges.push({ scheme: meaning.scheme, params: {} });
    else Object.assign(challenges.at(-1)?.params ?? {}, { [meaning.name]: meaning.value });
    rest = afterComma(rest.slice(text.length));
  }
  return challenges;
}

function readPart(rest: string, insideChallenge: boolean): HeaderPart | undefined {
  const [matched, name, quoted = "", bare] = (insideChallenge ? param.exec(rest) : null) ?? [];
  if (matched !== undefined && name !== undefined) {
    return {
      text: matched,
      meaning: { name: name.toLowerCase(), value: bare ?? quoted.replace(/\\(.)/g, "$1") },
    };
  }
  const [start, scheme] = schemeStart.exec(rest) ?? [];
  return start === undefined || scheme === undefined
    ? undefined
    : { text: start, meaning: { scheme: scheme.toLowerCase() } };
}

function afterComma(text: string): string {
  return text.replace(/^[\s,]+/, "");
}
