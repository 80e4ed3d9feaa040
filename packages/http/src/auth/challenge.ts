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

interface Piece {
  /** As it stands in the header. */
  readonly text: string;
  /** The challenge that begins here, or the parameter that is another one of the challenge before. */
  readonly meaning: { readonly scheme: string } | { readonly name: string; readonly value: string };
}

/** Reads a WWW-Authenticate header, several challenges joined by commas included; what cannot be read ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { readonly scheme: string; readonly params: Record<string, string> }[] = [];
  let rest = header.trim();
  for (let piece = readPiece(rest, false); piece !== undefined; piece = readPiece(rest, true)) {
    const { text, meaning } = piece;
    if ("scheme" in meaning) challenges.push({ scheme: meaning.scheme, params: {} });
    else Object.assign(challenges.at(-1)?.params ?? {}, { [meaning.name]: meaning.value });
    rest = afterComma(rest.slice(text.length));
  }
  return challenges;
}

function readPiece(rest: string, within: boolean): Piece | undefined {
  const [matched, name, quoted = "", bare] = (within ? param.exec(rest) : null) ?? [];
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
