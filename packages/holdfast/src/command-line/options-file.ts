import { readFileSync } from "node:fs";
import { parseCommandLine, suggestOption } from "./options.ts";
import type { OptionSpec, OptionSpecs, ParsedOptions } from "./options.ts";
import { UsageError } from "../process/usage-error.ts";

/** The option that names the file of options. */
export const optionsFileFlag = { config: { type: "string" } } as const;

/** The part of a help text on the file of options. */
export const optionsFileHelp = `  --config FILE            options by their long names, as a JSON object; the
                           command line has the last word`;

/**
 * Reads a command line whose options `configFlag` is one of, and the file of options that it names: whatever the command line says holds, and the file for
 * the rest. `read` makes settings of them.
 *
 * @throws UsageError for the first that is wrong; where that is in the file, it names the file and the key, and quotes no
 *   header and no proxy.
 */
export function readOptions<const T extends OptionSpecs, R>(
  argv: readonly string[],
  options: T,
  read: (parsed: ParsedOptions<T>) => R,
): R {
  const named = parseCommandLine(argv, options);
  const path: unknown = Reflect.get(named.values, "config");
  if (typeof path !== "string") return read(named);
  const given = new Set(Object.keys(named.values));
  const words = entriesOf(path)
    .map(([key, value]) => ({ key, words: wordsOf({ path, key, value, options }) }))
    .filter(({ key }) => !isOverruled(key, given));
  // An option that is given twice has its last value.
  const parsed = parseCommandLine([...words.flatMap((each) => each.words), ...argv], options);
  try {
    return read(parsed);
  } catch (error) {
    throw inFile(error, path, new Set(words.map(({ key }) => key)));
  }
}

function entriesOf(path: string): readonly (readonly [string, unknown])[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const gone = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new UsageError(`cannot read ${path}${gone ? ": no such file" : ""}`);
  }
  const value = parsed(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw new UsageError(`${path} is not a JSON object of options, such as { "concurrency": 8 }`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without the platform's words, which quote the text.
    return undefined;
  }
}

interface Entry {
  readonly path: string;
  readonly key: string;
  readonly value: unknown;
  readonly options: OptionSpecs;
}

/** The words of a command line that say the same as an entry. */
function wordsOf({ path, key, value, options }: Entry): readonly string[] {
  const option = Object.hasOwn(options, key) && key !== "config" ? options[key] : undefined;
  if (option === undefined) {
    const meant = suggestOption(
      key,
      Object.keys(options).filter((name) => name !== "config"),
    );
    const hint = meant === undefined ? "" : ` (did you mean ${JSON.stringify(meant)}?)`;
    throw new UsageError(`${path}: unknown option ${JSON.stringify(key)}${hint}`);
  }
  const words = wordsFor(option, key, value);
  if (words !== undefined) return words;
  throw new UsageError(`${path}: ${JSON.stringify(key)} takes ${kindOf(option)}`);
}

function wordsFor(option: OptionSpec, key: string, value: unknown): readonly string[] | undefined {
  if (option.type === "boolean") {
    if (typeof value !== "boolean") return undefined;
    return value ? [`--${key}`] : [];
  }
  const values: readonly unknown[] = option.multiple === true && Array.isArray(value) ? value : [value];
  if (!values.every((each) => typeof each === "string" || typeof each === "number")) return undefined;
  return values.map((each) => `--${key}=${String(each)}`);
}

function kindOf({ type, multiple }: OptionSpec): string {
  if (type === "boolean") return "true or false";
  return multiple === true ? "a text, or a list of texts" : "a text or a number";
}

/** Whether the command line has an option in the place of one of the file; headers go together. */
function isOverruled(key: string, given: ReadonlySet<string>): boolean {
  if (key === "proxy" || key === "proxies") return given.has("proxy") || given.has("proxies");
  return key !== "header" && given.has(key);
}

function inFile(error: unknown, path: string, keys: ReadonlySet<string>): unknown {
  if (!(error instanceof UsageError)) return error;
  const [, key = "", rest = ""] = /^--([a-z-]+):? (.*)$/s.exec(error.message) ?? [];
  if (!keys.has(key)) return error;
  const said = key === "header" ? rest.replace(/^"(?:[^"\\]|\\.)*" /, "one ") : rest;
  return new UsageError(`${path}: ${JSON.stringify(key)}: ${said}`);
}
