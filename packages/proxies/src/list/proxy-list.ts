import { parseProxyEntry, type ProxySpec } from "./parse-entry.ts";
import type { ProxyEntry, ProxyInput } from "./entry.ts";
import { parseJsonEntry } from "./json-entry.ts";

/** A parsed list: the valid proxies, and a message without credentials for each invalid one. */
export interface ProxyList {
  readonly proxies: readonly ProxySpec[];
  readonly faults: readonly string[];
}

interface Row {
  /** Place of the row: `proxies.txt:3`. */
  readonly place: string;
  readonly read: () => ProxyInput;
}

/**
 * Parses proxies, one per line or as JSON: a list, `{ "proxies": [...] }`, or a value per line. Skips blank lines, comments
 * (`#`, `//`) and a first line that names columns. Repeated proxies count once.
 */
export function parseProxyList(text: string, name: string): ProxyList {
  const bare = text.replace(/^\uFEFF/, "");
  if (/^.{0,3}\0/s.test(bare)) return { proxies: [], faults: [`${name}: it is not UTF-8 text`] };
  return /^\s*(?:\[\s*["{\]]|\{\s*")/.test(bare)
    ? fromJson(bare, name)
    : collectProxies(parseRows(bare, name));
}

/** Parses a list from a program. `name` is its place in messages. */
export function parseProxyEntries(inputs: readonly unknown[], name: string): ProxyList {
  return collectProxies(
    inputs.map((input, index) => ({
      place: `${name}: proxy ${index + 1}`,
      read: () => parseJsonEntry(input),
    })),
  );
}

/** Returns the proxies of a list. @throws TypeError that names up to five invalid proxies. */
export function requireValid({ proxies, faults }: ProxyList): readonly ProxySpec[] {
  if (faults.length === 0) return proxies;
  const more = faults.length > 5 ? `, and ${faults.length - 5} more` : "";
  throw new TypeError(`${faults.slice(0, 5).join("; ")}${more}`);
}

function parseRows(text: string, name: string): readonly Row[] {
  const rows = text.split(/\r\n|\r|\n/).flatMap((line, index) => {
    const text = line.replace(/(?:^|\s)(?:#|\/\/).*$/s, "").trim();
    return text === "" ? [] : [{ place: `${name}:${index + 1}`, text }];
  });
  const proxies = namesColumns(rows[0]?.text ?? "") ? rows.slice(1) : rows;
  return proxies.map(({ place, text }) => ({ place, read: () => parseProxyLine(text) }));
}

const columns = /^(?:ip|host|hostname|address|proxy_address|server|port|proxy_port)$/i;
const otherColumns = /^(?:user|username|login|pass|password|protocol|type|scheme)$/i;

/** Returns whether a line is a header with column names: `ip:port:user:pass`. */
function namesColumns(line: string): boolean {
  const words = line.split(/[:;,|\s@]+/).map((word) => word.replaceAll(/["']/g, ""));
  const known = words.filter((word) => columns.test(word));
  return known.length === 2 && words.every((word) => columns.test(word) || otherColumns.test(word));
}

function fromJson(text: string, name: string): ProxyList {
  const value = tryParseJson(text);
  if (value === undefined) return fromJsonLines(text, name);
  return parseProxyEntries(Array.isArray(value) ? value : (listIn(value) ?? [value]), name);
}

/** Finds the list in an object, under the names of vendors' interfaces. */
function listIn(value: unknown): readonly unknown[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return ["proxies", "results", "data"]
    .map((name): unknown => Reflect.get(value, name))
    .find((list) => Array.isArray(list));
}

function fromJsonLines(text: string, name: string): ProxyList {
  const lines = text
    .split(/\r\n|\r|\n/)
    .map((line, index) => ({
      place: `${name}:${index + 1}`,
      value: tryParseJson(line),
      blank: line.trim() === "",
    }))
    .filter(({ blank }) => !blank);
  // The message of JSON.parse would quote the text.
  if (lines[0]?.value === undefined)
    return { proxies: [], faults: [`${name}: it begins like JSON but is not valid JSON`] };
  return collectProxies(
    lines.map(({ place, value }) => ({
      place,
      read: () => {
        if (value === undefined) throw new TypeError("it is not JSON, unlike the lines before it");
        return parseJsonEntry(value);
      },
    })),
  );
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function collectProxies(rows: readonly Row[]): ProxyList {
  const proxies = new Map<string, ProxySpec>();
  const faults: string[] = [];
  const callbacks = new CredentialCallbacks();
  for (const { place, read } of rows) {
    try {
      const spec = callbacks.apart(parseProxyEntry(read()));
      const known = proxies.get(spec.id);
      if (known === undefined) proxies.set(spec.id, spec);
      else if (!isSameEntry(known, spec))
        throw new TypeError("it repeats an earlier proxy with another weight, maxConcurrent or session");
    } catch (error) {
      faults.push(`${place}: ${error instanceof Error ? error.message : "not a proxy"}`);
    }
  }
  return { proxies: [...proxies.values()], faults };
}

/** Separates entries of one URL with different credentials callbacks, by their order, so that they match when a list is read again. */
class CredentialCallbacks {
  readonly #byId = new Map<string, Set<unknown>>();

  apart(spec: ProxySpec): ProxySpec {
    const { id, credentials } = spec;
    if (credentials === undefined) return spec;
    const known = this.#byId.get(id) ?? new Set<unknown>();
    this.#byId.set(id, known.add(credentials));
    return { ...spec, id: `${id} asks ${[...known].indexOf(credentials)}` };
  }
}

function isSameEntry(a: ProxySpec, b: ProxySpec): boolean {
  return (
    a.weight === b.weight &&
    a.maxConcurrent === b.maxConcurrent &&
    JSON.stringify(a.session) === JSON.stringify(b.session)
  );
}

const word = /^(?:(rotatesPerConnection)|sessions=(\d+)|maxUses=(\d+))$/i;
// Each option occurs once.
const maxWords = 3;

/** Parses a line: a proxy, then its options: `rotatesPerConnection`, `sessions=5`, `maxUses=20`. */
export function parseProxyLine(line: string): ProxyEntry {
  let entry: ProxyEntry = { url: line };
  for (let count = 0; count < maxWords; count += 1) {
    const { url } = entry;
    const gap = Math.max(url.lastIndexOf(" "), url.lastIndexOf("\t"));
    const [text, rotates, sessions, maxUses] = (gap < 0 ? null : word.exec(url.slice(gap + 1))) ?? [];
    if (text === undefined) break;
    entry = {
      ...entry,
      url: url.slice(0, gap).trimEnd(),
      ...(rotates !== undefined && { rotatesPerConnection: true }),
      ...(sessions !== undefined && { sessions: Number(sessions) }),
      ...(maxUses !== undefined && { session: { maxUses: Number(maxUses) } }),
    };
  }
  return entry;
}
