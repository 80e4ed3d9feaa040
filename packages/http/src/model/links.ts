/** One link of a response (RFC 8288). */
export interface Link {
  /** The target, resolved against the URL of the response. */
  readonly url: string;
  /** One relation of the link, in lower case. */
  readonly rel: string;
  /** Every parameter, such as `title`, by its name in lower case. The first of several equal names counts. */
  readonly params: Readonly<Record<string, string>>;
}

/** The links of a response by their relation. The first link of a relation counts. */
export interface Links {
  readonly first?: Link;
  readonly prev?: Link;
  readonly next?: Link;
  readonly last?: Link;
  readonly [rel: string]: Link | undefined;
}

// Most characters of targets that are resolved. A server may send twenty thousand links, relative to a URL of 64 KB.
const maxResolved = 1_048_576;

const separators = /[\s,]*/y;
const target = /<([^>]*)>/y;
const parameter =
  /[ \t]*;[ \t]*(?:([\w!#$%&'*+.^`|~-]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t;,"]*)))?)?/y;
/** The rest of a link that cannot be read, up to the comma behind it. A quotation mark without an end takes all. */
const restOfLink = /(?:[^,"]|"(?:[^"\\]|\\[^])*(?:"|\\?$))*/y;

/**
 * Reads the Link header of a response at `url`, with several lines joined by ", ". A member that cannot be read is skipped,
 * and so is a link that is about another document (`anchor`). Reads as many links as `maxResolved` allows: three thousand for a
 * usual URL, fifteen for one of 64 KB.
 */
export function parseLinks(value: string | null, url: string): Links {
  const links: Record<string, Link> = newRecord();
  const reader = new Reader(value ?? "");
  const longest = Math.max(1, Math.floor(maxResolved / (url.length + 256)));
  for (let count = 0; !reader.isBehindLinks && count < longest; count += 1) {
    for (const link of readLink(reader, url)) links[link.rel] ??= link;
    reader.read(restOfLink);
    reader.skip(",");
  }
  return Object.freeze(links);
}

/** Returns one link for each of its relations. */
function readLink(reader: Reader, base: string): readonly Link[] {
  reader.read(separators);
  const reference = reader.read(target)?.[1];
  if (reference === undefined) return [];
  const params = readParams(reader);
  const url = resolve(reference, base);
  if (url === undefined || isAboutAnother(params, base)) return [];
  const relations = (params["rel"] ?? "").toLowerCase().split(/[ \t]+/);
  return relations.filter((rel) => rel !== "").map((rel) => Object.freeze({ url, rel, params }));
}

/** Returns an object without a prototype: a server chooses the names. */
function newRecord<T>(): Record<string, T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an empty object has no values of another type
  return Object.create(null) as Record<string, T>;
}

function readParams(reader: Reader): Readonly<Record<string, string>> {
  const params = newRecord<string>();
  for (let match = reader.read(parameter); match !== undefined; match = reader.read(parameter)) {
    const [, name, quoted, bare = ""] = match;
    if (name !== undefined) params[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, "$1") ?? bare;
  }
  return Object.freeze(params);
}

function resolve(reference: string, base: string): string | undefined {
  return URL.parse(reference.trim(), base)?.href;
}

function isAboutAnother({ anchor }: Readonly<Record<string, string>>, url: string): boolean {
  return anchor !== undefined && resolve(anchor, url) !== resolve(url, url);
}

/** Reads a text from left to right. */
class Reader {
  readonly #text: string;
  /** Where the last target ends: a search for the end of a target behind it would go through the rest of the text. */
  readonly #lastEnd: number;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lastEnd = text.lastIndexOf(">");
  }

  get isBehindLinks(): boolean {
    return this.#at > this.#lastEnd;
  }

  /** Returns the match of a sticky expression at the current place, and moves behind it. Undefined without a match. */
  read(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#text);
    if (match === null) return undefined;
    this.#at = expression.lastIndex;
    return match;
  }

  skip(character: string): void {
    if (this.#text[this.#at] === character) this.#at += 1;
  }
}
