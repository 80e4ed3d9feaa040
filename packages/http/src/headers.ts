/** Headers as a caller may give them; undefined removes a default. */
export type HeadersInit =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

/** Headers as they are sent: names in lower case, a list where a name comes more than once. */
export type HeaderRecord = Readonly<Record<string, string | string[]>>;

/** Lays headers over others, by name whatever its case. */
export function mergeHeaders(under: HeaderRecord, over: HeadersInit | undefined): HeaderRecord {
  if (over === undefined) return under;
  const merged: Record<string, string | string[]> = { ...under };
  const given = new Set<string>();
  for (const [rawName, value] of entriesOf(over)) {
    const name = rawName.toLowerCase();
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
): Iterable<readonly [string, string | readonly string[] | undefined]> {
  return Symbol.iterator in headers
    ? (headers as Iterable<readonly [string, string]>)
    : Object.entries(headers);
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
