/** An authentication scheme that a server offers (RFC 9110 §11.6.1). */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case, values unquoted. */
  readonly params: Readonly<Record<string, string>>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const quotedString = String.raw`"(?:[^"\\]|\\.)*"`;
const atEnd = "[ \\t]*(?=,|$)";
// Servers also send values without quotes that are not tokens, such as a nonce in base64.
const param = String.raw`(${token})\s*=\s*(?:(${quotedString})|([^\s",]+))`;
const token68 = "[A-Za-z0-9._~+/-]+=*";
const schemeMember = new RegExp(`(${token})(?:[ \\t]+(?:${token68}|${param}))?${atEnd}`, "y");
const paramMember = new RegExp(param + atEnd, "y");
// A blank before "=" belongs to a parameter.
const unreadableScheme = new RegExp(`(${token})[ \\t]+(?!=)`, "y");
const quotedInMember = new RegExp(quotedString + atEnd, "y");

interface MutableChallenge {
  readonly scheme: string;
  readonly params: Record<string, string>;
}

/**
 * Parses a line of WWW-Authenticate with one or several challenges. A member of the list that cannot be read is skipped. If it
 * begins a challenge, that challenge has no parameters.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: MutableChallenge[] = [];
  for (let at = skipSeparators(header, 0); at < header.length; at = skipSeparators(header, at))
    at = readMember(header, at, challenges);
  return challenges;
}

/** Reads the member at an index into the challenges, and returns its end. */
function readMember(header: string, at: number, challenges: MutableChallenge[]): number {
  const current = challenges.at(-1);
  const inChallenge = current === undefined ? undefined : matchAt(paramMember, header, at);
  if (current !== undefined && inChallenge !== undefined) {
    addParam(current.params, inChallenge.slice(1));
    return at + inChallenge[0].length;
  }
  const member = matchAt(schemeMember, header, at);
  const [, scheme, ...first] = member ?? matchAt(unreadableScheme, header, at) ?? [];
  if (scheme !== undefined) {
    const params = {};
    addParam(params, first);
    challenges.push({ scheme: scheme.toLowerCase(), params });
  }
  return member === undefined ? endOfUnreadable(header, at) : at + member[0].length;
}

function addParam(
  params: Record<string, string>,
  [name, quoted, bare]: readonly (string | undefined)[],
): void {
  if (name === undefined) return;
  params[name.toLowerCase()] = bare ?? (quoted ?? "").slice(1, -1).replace(/\\(.)/g, "$1");
}

/** Returns the next comma outside quotation marks. A quotation that is not the end of a member is not one. */
function endOfUnreadable(header: string, at: number): number {
  for (let next = at; next < header.length; next += 1) {
    if (header[next] === ",") return next;
    const quoted = header[next] === '"' ? matchAt(quotedInMember, header, next) : undefined;
    if (quoted !== undefined) return next + quoted[0].length;
    if (header[next] === '"') {
      const comma = header.indexOf(",", next);
      return comma === -1 ? header.length : comma;
    }
  }
  return header.length;
}

function skipSeparators(header: string, at: number): number {
  let next = at;
  while (next < header.length && /[\s,]/.test(header.charAt(next))) next += 1;
  return next;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
