import { entryOfLine } from "./line-words.ts";
import { specOf, type ProxyEntry, type ProxyInput, type ProxySpec } from "./entry.ts";

/** What became of a list of proxies: those that could be read, and for each other one what is wrong, without credentials. */
export interface ProxyList {
  readonly proxies: readonly ProxySpec[];
  readonly faults: readonly string[];
}

interface Row {
  /** Where it stands: `proxies.txt:3`. */
  readonly place: string;
  readonly read: () => ProxyInput;
}

/** Reads proxies one to a line, or from a JSON list. Blank lines and comments (`#`, `//`) are left out, repeated proxies count once. */
export function parseProxyList(text: string, name: string): ProxyList {
  return /^\s*\[\s*["{\]]/.test(text) ? fromJson(text, name) : listOf(rowsOf(text, name));
}

/** Reads a list that a program made. `name` says where it comes from. */
export function proxyListOf(inputs: readonly unknown[], name: string): ProxyList {
  return listOf(
    inputs.map((input, index) => ({ place: `${name}: proxy ${index + 1}`, read: () => inputOf(input) })),
  );
}

/** @throws TypeError that names every bad proxy, up to five. */
export function allOf({ proxies, faults }: ProxyList): readonly ProxySpec[] {
  if (faults.length === 0) return proxies;
  const more = faults.length > 5 ? `, and ${faults.length - 5} more` : "";
  throw new TypeError(`${faults.slice(0, 5).join("; ")}${more}`);
}

function rowsOf(text: string, name: string): readonly Row[] {
  return text.split(/\r\n|\r|\n/).flatMap((line, index) => {
    const said = line
      .replace(/^\uFEFF/, "")
      .replace(/(?:^|\s)(?:#|\/\/).*$/s, "")
      .trim();
    return said === "" ? [] : [{ place: `${name}:${index + 1}`, read: () => entryOfLine(said) }];
  });
}

function fromJson(text: string, name: string): ProxyList {
  try {
    const value: unknown = JSON.parse(text);
    return proxyListOf(Array.isArray(value) ? value : [value], name);
  } catch {
    // Without the platform's words, which quote the text.
    return { proxies: [], faults: [`${name}: it begins as a JSON list, and is none`] };
  }
}

function listOf(rows: readonly Row[]): ProxyList {
  const proxies = new Map<string, ProxySpec>();
  const faults: string[] = [];
  for (const { place, read } of rows) {
    try {
      const spec = specOf(read());
      if (!proxies.has(spec.id)) proxies.set(spec.id, spec);
    } catch (error) {
      faults.push(`${place}: ${error instanceof Error ? error.message : "not a proxy"}`);
    }
  }
  return { proxies: [...proxies.values()], faults };
}

/** A proxy as JSON has it: a URL, an entry, or host and port by the names that vendors' lists use. */
function inputOf(value: unknown): ProxyInput {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) throw new TypeError("a proxy is a URL, or { url, ... }");
  if (isEntry(value)) return value;
  const text = (...names: readonly string[]): string => {
    const found = names.map((name): unknown => Reflect.get(value, name)).find((it) => it !== undefined);
    return typeof found === "string" || typeof found === "number" ? String(found) : "";
  };
  const pair = [text("username", "user"), text("password", "pass")]
    .map((it) => encodeURIComponent(it))
    .join(":");
  const scheme = text("scheme", "protocol") || "http";
  return `${scheme}://${pair === ":" ? "" : `${pair}@`}${text("host", "ip")}:${text("port")}`;
}

function isEntry(value: object): value is ProxyEntry {
  return "url" in value && typeof value.url === "string";
}
