import { isFieldValue, isObject, isToken, kind, type Problem, refuse, quote } from "../support/validate.ts";

/** Headers as a caller may give them; undefined removes a default. */
export type HeadersInit =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

/** Headers as they are sent: names in lower case, a list where a name comes more than once. */
export type HeaderRecord = Readonly<Record<string, string | string[]>>;

/**
 * Lays headers over others, by name whatever its case; `owner` is what the messages call those above.
 *
 * @throws TypeError for what are no headers, or none that HTTP can carry; it quotes no value.
 */
export function mergeHeaders(
  under: HeaderRecord,
  over: HeadersInit | undefined,
  owner = "headers",
): HeaderRecord {
  if (over === undefined) return under;
  const merged: Record<string, string | string[]> = { ...under };
  const given = new Set<string>();
  for (const [rawName, value] of entriesOf(over, owner)) {
    const name = lowerCaseOf(rawName, owner);
    const problem = value === undefined ? undefined : problemWith(value);
    if (problem !== undefined) refuse(`${owner}.${rawName}`, problem);
    if (value === undefined) delete merged[name];
    else
      merged[name] = given.has(name)
        ? [merged[name] ?? [], value].flat(2)
        : typeof value === "string"
          ? value
          : [...value];
    given.add(name);
  }
  return merged;
}

function entriesOf(
  headers: HeadersInit,
  owner: string,
): Iterable<readonly [string, string | readonly string[] | undefined]> {
  refuse(owner, anyHeaders(headers));
  return Symbol.iterator in headers ? pairsOf(headers, owner) : Object.entries(headers);
}

function* pairsOf(
  headers: Iterable<readonly [string, string]>,
  owner: string,
): Generator<readonly [string, string]> {
  for (const entry of headers) {
    refuse(owner, pair(entry));
    yield entry;
  }
}

const anyHeaders = kind({ wanted: "an object, Headers or pairs", fits: isObject, secret: true });

const pair = kind({
  wanted: "pairs of a name and a text",
  fits: (entry) => Array.isArray(entry) && entry.length === 2 && entry[1] !== undefined,
  secret: true,
});

const texts = kind({
  wanted: "a text, or a list of texts",
  fits: (value) => Array.isArray(value) && value.every((line) => typeof line === "string"),
  secret: true,
});

// Hot path: callers send the same few names again and again.
const namesSeen = new Map<string, string>();
const maxNamesSeen = 1_000;

function lowerCaseOf(name: string, owner: string): string {
  const seen = namesSeen.get(name);
  if (seen !== undefined) return seen;
  refuse(owner, nameProblem(name));
  const lowerCase = name.toLowerCase();
  if (namesSeen.size < maxNamesSeen) namesSeen.set(name, lowerCase);
  return lowerCase;
}

function nameProblem(name: unknown): Problem | undefined {
  if (typeof name === "string" && isToken(name)) return undefined;
  return { at: "", says: `has a name that HTTP cannot carry: ${quote(name)}`, range: false };
}

function problemWith(value: string | readonly string[]): Problem | undefined {
  return typeof value === "string" ? problemIn(value) : problemInAll(value);
}

function problemInAll(value: readonly string[]): Problem | undefined {
  return texts(value) ?? value.map(problemIn).find((problem) => problem !== undefined);
}

function problemIn(line: string): Problem | undefined {
  if (isFieldValue(line)) return undefined;
  const says = "has a value that HTTP cannot carry: a line break, a control character or one beyond Latin-1";
  return { at: "", says, range: false };
}

/** The headers of a response, read by name whatever its case. */
export class ResponseHeaders implements Iterable<[string, string]> {
  readonly #record: Readonly<Record<string, string | readonly string[] | undefined>>;

  /** Takes names in lower case. */
  constructor(record: Readonly<Record<string, string | readonly string[] | undefined>>) {
    this.#record = record;
  }

  /** The value, several lines joined by ", " (RFC 9110 §5.3); null when there is none. */
  get(name: string): string | null {
    const value = this.#own(name);
    return value === undefined ? null : typeof value === "string" ? value : value.join(", ");
  }

  /** Every line of that name, as it came. */
  getAll(name: string): readonly string[] {
    const value = this.#own(name);
    return value === undefined ? [] : typeof value === "string" ? [value] : value;
  }

  has(name: string): boolean {
    return this.#own(name) !== undefined;
  }

  getSetCookie(): readonly string[] {
    return this.getAll("set-cookie");
  }

  *entries(): Generator<[string, string]> {
    for (const [name, value] of Object.entries(this.#record)) {
      for (const line of typeof value === "string" ? [value] : (value ?? [])) yield [name, line];
    }
  }

  [Symbol.iterator](): Generator<[string, string]> {
    return this.entries();
  }

  toJSON(): Readonly<Record<string, string | readonly string[] | undefined>> {
    return this.#record;
  }

  #own(name: string): string | readonly string[] | undefined {
    const key = name.toLowerCase();
    return Object.hasOwn(this.#record, key) ? this.#record[key] : undefined;
  }
}
