import { readFileSync } from "node:fs";
import { OptionError, UsageError } from "../process/usage-error.ts";
import { parseCommandLine, suggestOption } from "./parse-options.ts";
import type { OptionSpec, OptionSpecs, ParsedOptions } from "./parse-options.ts";
import { type ProgramState, toRememberedWords } from "./program-state.ts";

/** The option that names a file of options. */
export const optionsFileFlag = { config: { type: "string", remember: false } } as const;

/** The lines of a help text about that option. */
export const optionsFileHelp = `  --config FILE            read options by their long names from a JSON object;
                           the command line overrides them`;

/**
 * Reads a command line together with the file of options that `--config` names, and passes both to `read`. An option on
 * the command line replaces the one in the file; headers of both are combined.
 *
 * @throws UsageError for the first fault. A fault in the file is reported with the file and the key, and without the value
 *   of a header or a proxy.
 */
export function readOptions<const T extends OptionSpecs, R>(
  argv: readonly string[],
  options: T,
  read: (parsed: ParsedOptions<T>) => R,
): R {
  return readOptionsOver(noOptions, { argv, options }, read);
}

const noOptions: Remembered = { options: {} };

type Remembered = Pick<ProgramState, "options">;

/** Reads options as `readOptions` does, over the remembered ones, which the command line and the file replace. */
export function readOptionsOver<const T extends OptionSpecs, R>(
  remembered: Remembered,
  { argv, options }: { readonly argv: readonly string[]; readonly options: T },
  read: (parsed: ParsedOptions<T>) => R,
): R {
  const commandLine = parseCommandLine(argv, options);
  const path: unknown = Reflect.get(commandLine.values, "config");
  const given = new Set(Object.keys(commandLine.values));
  const entries =
    typeof path === "string"
      ? readEntries(path)
          .map(([key, value]) => ({ key, words: toArguments({ path, key, value, options }) }))
          .filter(({ key }) => !isOverridden(key, given))
      : [];
  const replacing = new Set([...given, ...entries.map(({ key }) => key)]);
  const before = toRememberedWords(remembered, (name) => isReplaced(name, replacing));
  if (before.length === 0 && entries.length === 0) return read(commandLine);
  // parseArgs keeps the last value of an option that occurs twice.
  const merged = parseCommandLine([...before, ...entries.flatMap(({ words }) => words), ...argv], options);
  try {
    return read(merged);
  } catch (error) {
    throw locateInFile(error, String(path), new Set(entries.map(({ key }) => key)));
  }
}

const proxyOptions = ["rotation", "country", "sticky", "cooldown", "rotates-per-connection"];

/** Returns whether a remembered option gives way to a new one. */
function isReplaced(key: string, given: ReadonlySet<string>): boolean {
  if (given.has("direct") && (proxyOptions.includes(key) || key === "proxies")) return true;
  return key === "proxies" ? given.has("proxy") || given.has("proxies") : given.has(key);
}

function readEntries(path: string): readonly (readonly [string, unknown])[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new UsageError(`cannot read ${path}${missing ? ": no such file" : ""}`);
  }
  const value = parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw new UsageError(`${path} must be a JSON object of options, such as { "concurrency": 8 }`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of the platform's error quotes the text.
    return undefined;
  }
}

interface FileEntry {
  readonly path: string;
  readonly key: string;
  readonly value: unknown;
  readonly options: OptionSpecs;
}

/** Converts an entry into the arguments of a command line that mean the same. */
function toArguments({ path, key, value, options }: FileEntry): readonly string[] {
  const option = Object.hasOwn(options, key) && key !== "config" ? options[key] : undefined;
  if (option === undefined) {
    const known = Object.keys(options).filter((name) => name !== "config");
    const similar = suggestOption(key, known);
    const suggestion = similar === undefined ? "" : ` (did you mean ${JSON.stringify(similar)}?)`;
    throw new UsageError(`${path}: unknown option ${JSON.stringify(key)}${suggestion}`);
  }
  const words = toWords(option, key, value);
  if (words !== undefined) return words;
  throw new UsageError(`${path}: ${JSON.stringify(key)} must be ${describeValues(option)}`);
}

function toWords(option: OptionSpec, key: string, value: unknown): readonly string[] | undefined {
  if (option.type === "boolean") {
    if (typeof value !== "boolean") return undefined;
    return value ? [`--${key}`] : [];
  }
  const values: readonly unknown[] = option.multiple === true && Array.isArray(value) ? value : [value];
  if (!values.every((each) => typeof each === "string" || typeof each === "number")) return undefined;
  return values.map((each) => `--${key}=${String(each)}`);
}

function describeValues({ type, multiple }: OptionSpec): string {
  if (type === "boolean") return "true or false";
  return multiple === true ? "a string or a list of strings" : "a string or a number";
}

/** Returns whether the command line replaces an option of the file. */
function isOverridden(key: string, given: ReadonlySet<string>): boolean {
  if (key === "proxy" || key === "proxies") return given.has("proxy") || given.has("proxies");
  return !key.startsWith("header") && given.has(key);
}

function locateInFile(error: unknown, path: string, keys: ReadonlySet<string>): unknown {
  if (!(error instanceof OptionError) || !keys.has(error.option)) return error;
  const { option, problem, value } = error;
  const quoted = value === undefined || option.startsWith("header") ? "" : `, got ${JSON.stringify(value)}`;
  return new UsageError(`${path}: ${JSON.stringify(option)} ${problem}${quoted}`);
}
