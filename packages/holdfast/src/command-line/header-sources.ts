import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isSecretHeader } from "@holdfast/policy/internal";
import { OptionError, UsageError } from "../process/usage-error.ts";
import { parseHeaders } from "./parse-options.ts";

/** Where the value of a header comes from. A value that was given literally and is a secret is not stored. */
export type HeaderSource =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly env: string }
  | { readonly name: string; readonly file: string }
  | { readonly name: string; readonly unstored: true };

/** The values of the options about headers. */
export interface HeaderValues {
  readonly header?: readonly string[] | undefined;
  readonly "header-env"?: readonly string[] | undefined;
  readonly "header-file"?: readonly string[] | undefined;
}

/**
 * Reads the options about headers.
 *
 * @throws UsageError for the first fault.
 */
export function parseHeaderSources(values: HeaderValues): readonly HeaderSource[] {
  const literal = Object.entries(parseHeaders(values.header)).map(([name, value]) => ({ name, value }));
  const env = (values["header-env"] ?? []).map((text) => {
    const [name, variable] = parsePair("header-env", text, "'Name=VARIABLE'");
    return { name, env: variable };
  });
  const file = (values["header-file"] ?? []).map((text) => {
    const [name, path] = parsePair("header-file", text, "'Name=FILE'");
    return { name, file: resolve(path) };
  });
  return mergeHeaders([...literal], [...env, ...file]);
}

function parsePair(option: string, text: string, form: string): readonly [string, string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new OptionError(option, `must have the form ${form}`, text);
  // The same rules as for any header.
  parseHeaders([`${name}: x`]);
  return [name, value];
}

/** Returns the headers of both, where a later one replaces an earlier one of the same name. */
export function mergeHeaders(
  earlier: readonly HeaderSource[],
  later: readonly HeaderSource[],
): readonly HeaderSource[] {
  const byName = new Map([...earlier, ...later].map((source) => [source.name.toLowerCase(), source]));
  return [...byName.values()];
}

/** Returns the headers without those of these names. */
export function withoutNames(
  sources: readonly HeaderSource[],
  names: readonly string[],
): readonly HeaderSource[] {
  const lower = new Set(names.map((name) => name.toLowerCase()));
  return sources.filter(({ name }) => !lower.has(name.toLowerCase()));
}

/** Returns the headers as they may be stored: a secret loses its value. */
export function withoutSecrets(sources: readonly HeaderSource[]): readonly HeaderSource[] {
  return sources.map((source) =>
    "value" in source && isSecretHeader(source.name) ? { name: source.name, unstored: true } : source,
  );
}

/** Returns the names of headers without values, which were not stored. */
export function findUnstored(sources: readonly HeaderSource[]): readonly string[] {
  return sources.filter((source) => "unstored" in source).map(({ name }) => name);
}

/**
 * Returns the headers with their values.
 *
 * @throws UsageError for a variable that is not set, and a file that cannot be read.
 */
export function resolveHeaders(
  sources: readonly HeaderSource[],
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const lines = sources.flatMap((source) =>
    "unstored" in source ? [] : [`${source.name}: ${readValue(source, env)}`],
  );
  return parseHeaders(lines);
}

function readValue(
  source: Exclude<HeaderSource, { unstored: true }>,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if ("value" in source) return source.value;
  if ("file" in source) return readValueFile(source);
  const value = Object.hasOwn(env, source.env) ? env[source.env] : undefined;
  if (value !== undefined && value !== "") return value;
  throw new UsageError(
    `the header ${source.name} has its value in the environment variable ${source.env}, which is not set`,
  );
}

function readValueFile({ name, file }: { readonly name: string; readonly file: string }): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const reason = code === "ENOENT" ? "no such file" : code === "EACCES" ? "permission denied" : code;
    throw new UsageError(`the header ${name} has its value in ${file}, which cannot be read: ${reason}`);
  }
}

/** Whether a value is a header source, as it is stored. */
export function isHeaderSource(value: unknown): value is HeaderSource {
  if (typeof value !== "object" || value === null || !("name" in value)) return false;
  const isText = (name: string): boolean => typeof Reflect.get(value, name) === "string";
  return isText("name") && (isText("value") || isText("env") || isText("file") || "unstored" in value);
}
