import type { TextDecoder as Decoder } from "node:util";
import { isFieldValue, isObject, isToken, kind, type Problem, refuse, quote } from "../support/validate.ts";

/** Request headers. Undefined removes a default. */
export type HeadersInit =
  | Readonly<Record<string, string | number | readonly string[] | undefined>>
  | Iterable<readonly [string, string | number]>;

/** Headers as they are sent. Names are in lower case. A name that occurs several times has a list. */
export type HeaderRecord = Readonly<Record<string, string | string[]>>;

/**
 * Merges headers: a name in `over` replaces the same name in `under`, in any case. `owner` is the option in messages.
 *
 * @throws TypeError for invalid headers. The message quotes no value.
 */
export function mergeHeaders(
  under: HeaderRecord,
  over: HeadersInit | undefined,
  owner = "headers",
): HeaderRecord {
  if (over === undefined) return under;
  const merged: Record<string, string | string[]> = { ...under };
  const given = new Set<string>();
  for (const [rawName, rawValue] of headerEntries(over, owner)) {
    const name = toLowerCaseName(rawName, owner);
    const value = toText(rawValue, owner);
    const problem = value === undefined ? undefined : valueProblem(value);
    if (problem !== undefined) refuse(`${owner}.${rawName}`, problem);
    if (value === undefined) delete merged[name];
    else if (given.has(name)) setHeader(merged, name, [merged[name] ?? [], value].flat(2));
    else setHeader(merged, name, typeof value === "string" ? value : [...value]);
    given.add(name);
  }
  return merged;
}

/** Sets a header. An assignment to `__proto__` would set the prototype. */
function setHeader(headers: Record<string, string | string[]>, name: string, value: string | string[]): void {
  if (name !== "__proto__") headers[name] = value;
  else Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
}

function toText<T>(value: T | number, owner: string): T | string {
  if (typeof value !== "number") return value;
  if (Number.isFinite(value)) return String(value);
  throw new RangeError(`${owner} takes strings and finite numbers, got ${value}`);
}

function headerEntries(
  headers: HeadersInit,
  owner: string,
): Iterable<readonly [string, string | number | readonly string[] | undefined]> {
  refuse(owner, anyHeaders(headers));
  return Symbol.iterator in headers ? headerPairs(headers, owner) : Object.entries(headers);
}

function* headerPairs(
  headers: Iterable<readonly [string, string | number]>,
  owner: string,
): Generator<readonly [string, string | number]> {
  for (const entry of headers) {
    refuse(owner, pair(entry));
    yield entry;
  }
}

const anyHeaders = kind({ wanted: "an object, Headers or pairs", fits: isObject, secret: true });

const pair = kind({
  wanted: "pairs of a name and a string",
  fits: (entry) => Array.isArray(entry) && entry.length === 2 && entry[1] !== undefined,
  secret: true,
});

const texts = kind({
  wanted: "a string, or a list of strings",
  fits: (value) => Array.isArray(value) && value.every((line) => typeof line === "string"),
  secret: true,
});

// Hot path: most requests repeat the same few names.
const knownNames = new Map<string, string>();
const maxKnownNames = 1_000;

function toLowerCaseName(name: string, owner: string): string {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  refuse(owner, nameProblem(name));
  const lowerCase = name.toLowerCase();
  if (knownNames.size < maxKnownNames) knownNames.set(name, lowerCase);
  return lowerCase;
}

function nameProblem(name: unknown): Problem | undefined {
  if (typeof name === "string" && isToken(name)) return undefined;
  return { at: "", says: `has an invalid header name: ${quote(name)}`, range: false };
}

function valueProblem(value: string | readonly string[]): Problem | undefined {
  return typeof value === "string" ? lineProblem(value) : valuesProblem(value);
}

function valuesProblem(value: readonly string[]): Problem | undefined {
  return texts(value) ?? value.map(lineProblem).find((problem) => problem !== undefined);
}

function lineProblem(line: string): Problem | undefined {
  if (isFieldValue(line)) return undefined;
  const says =
    "has an invalid value: it contains a line break, a control character or a character beyond Latin-1";
  return { at: "", says, range: false };
}

/** The headers of a response. Names are looked up in any case. */
export class ResponseHeaders implements Iterable<[string, string]> {
  readonly #record: Readonly<Record<string, string | readonly string[] | undefined>>;

  /** @param record names in lower case. */
  constructor(record: Readonly<Record<string, string | readonly string[] | undefined>>) {
    this.#record = record;
  }

  /** Returns the value, with several lines joined by ", " (RFC 9110 §5.3). Null without one. */
  get(name: string): string | null {
    const value = this.#own(name);
    return value === undefined ? null : typeof value === "string" ? value : value.join(", ");
  }

  /** Returns every line of that name, as received. */
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

/** A media type, and the charset of its text. */
export interface ContentType {
  /** `type/subtype` in lower case. Empty for a value that is not a media type. */
  readonly essence: string;
  /** As written. */
  readonly charset: string | undefined;
}

const contentTypeMember = /(?:[^",]|"(?:[^"\\]|\\[^])*"?)+/g;
const parameter = /;\s*([^\s;=]+)\s*=\s*(?:"((?:[^"\\]|\\[^])*)"?|([^;]*))/g;
// A media type is short, and a server may send 256 KiB.
const maxContentTypeLength = 4_096;
const mediaType = /^\s*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)\s*(?=;|$)/;

/**
 * Reads a Content-Type, with several lines joined by ", " (WHATWG Fetch, "extract a MIME type"): the last valid media type
 * counts, and keeps the charset of an equal type before it. Spaces and single quotation marks around a charset are ignored, and
 * so is a value of more than 4,096 characters.
 */
export function parseContentType(value: string | null): ContentType {
  if (value === null || value.length > maxContentTypeLength) return { essence: "", charset: undefined };
  if (!value.includes(",")) return parseMember(value);
  const members = (value.match(contentTypeMember) ?? []).map(parseMember);
  const valid = members.filter(({ essence }) => essence !== "" && essence !== "*/*");
  const essence = valid.at(-1)?.essence;
  // Without a media type, any charset is better than none.
  if (essence === undefined) return { essence: "", charset: members.find(hasCharset)?.charset };
  const others = valid.findLastIndex((one) => one.essence !== essence);
  return { essence, charset: valid.slice(others + 1).findLast(hasCharset)?.charset };
}

function hasCharset({ charset }: ContentType): boolean {
  return charset !== undefined;
}

/** Returns whether a Content-Type names a media type that matches the pattern. A value that is not a media type is searched whole. */
export function isContentType(value: string | null, pattern: RegExp): boolean {
  return value !== null && pattern.test(parseContentType(value).essence || value);
}

function parseMember(text: string): ContentType {
  const [, essence = ""] = mediaType.exec(text) ?? [];
  return { essence: essence.toLowerCase(), charset: charsetOf(text) };
}

function charsetOf(text: string): string | undefined {
  // Also for a Content-Type without a media type.
  for (const [, name = "", quoted, bare = ""] of `;${text}`.matchAll(parameter)) {
    if (name.toLowerCase() !== "charset") continue;
    return (quoted ?? bare).replace(/^[\s"']+|[\s"']+$/g, "") || undefined;
  }
  return undefined;
}

/** Decodes a whole text. */
export function decodeText(bytes: Uint8Array, contentType: string | null): string {
  return textDecoder(bytes, contentType).decode(bytes);
}

/**
 * Returns a decoder for a text that begins with these bytes. The charset is that of the byte order mark, otherwise that of
 * Content-Type, otherwise UTF-8 (the order of "decode" in WHATWG Encoding). An unknown charset is ignored.
 */
export function textDecoder(beginning: Uint8Array, contentType: string | null): Decoder {
  return new TextDecoder(charsetOfMark(beginning) ?? charsetOfType(contentType));
}

function charsetOfMark([first, second]: Uint8Array): string | undefined {
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xef && second === 0xbb ? "utf-8" : undefined;
}

function charsetOfType(contentType: string | null): string {
  const { charset } = parseContentType(contentType);
  if (charset === undefined) return "utf-8";
  try {
    return new TextDecoder(charset).encoding;
  } catch {
    return "utf-8";
  }
}
