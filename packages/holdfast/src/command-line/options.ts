import { parseArgs } from "node:util";
import { toMs } from "@holdfast/policy/internal";
import type { Duration } from "@holdfast/policy";
import { suggest } from "./suggest.ts";
import { UsageError } from "../process/usage-error.ts";

/** One option of a command, as `node:util` describes it. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly multiple?: boolean;
}

/** The options of a command by their long names. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type Config<T extends OptionSpecs> = { args: string[]; options: T; allowPositionals: true };

/** What a command line says: options by name, and the rest in order. */
export type ParsedOptions<T extends OptionSpecs> = ReturnType<typeof parseArgs<Config<T>>>;

/**
 * Reads a command line strictly: every option must be known and have its value.
 *
 * @throws UsageError that names the option, with a suggestion when it colors misspelt.
 */
export function parseCommandLine<const T extends OptionSpecs>(
  argv: readonly string[],
  options: T,
): ParsedOptions<T> {
  try {
    return parseArgs<Config<T>>({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw usageErrorFrom(error, Object.keys(options));
  }
}

function usageErrorFrom(error: unknown, known: readonly string[]): unknown {
  if (!(error instanceof TypeError) || !("code" in error)) return error;
  const option = (/'([^']+)'/.exec(error.message)?.[1] ?? "").replace(/ <value>$/, "");
  if (error.code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") return new UsageError(unknownOption(option, known));
  if (error.code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE")
    return new UsageError(wrongValue(option, error.message));
  return error;
}

/** Former names of options, each with its name of today. */
const renamedOptions: Readonly<Record<string, string>> = {
  rotate: "rotation",
  rest: "cooldown",
  rotating: "rotates-per-connection",
};

/** Finds the option that a person most likely meant by an unknown name. */
export function suggestOption(name: string, known: readonly string[]): string | undefined {
  const renamed = Object.hasOwn(renamedOptions, name) ? renamedOptions[name] : undefined;
  return renamed !== undefined && known.includes(renamed) ? renamed : suggest(name, known);
}

function unknownOption(option: string, known: readonly string[]): string {
  const meant = option.startsWith("--") ? suggestOption(option.slice(2), known) : undefined;
  return `unknown option ${option}${meant === undefined ? "" : ` (did you mean --${meant}?)`}`;
}

function wrongValue(option: string, message: string): string {
  if (message.includes("does not take an argument")) return `${option} takes no value`;
  return `${option} needs a value${message.includes("ambiguous") ? " (one that begins with a dash is written --name=-value)" : ""}`;
}

/** Reads a whole number in `[min, max]`; an absent option stays absent. */
export function parseWholeNumber(
  flag: string,
  text: string | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`${flag}: ${JSON.stringify(text)} is not a whole number from ${min} to ${max}`);
}

/** Reads a length of time with its unit, in milliseconds, that is longer than nothing; an absent option stays absent. */
export function parseDuration(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = isDuration(text) ? toMs(text) : NaN;
  if (ms > 0 && Number.isFinite(ms)) return ms;
  throw new UsageError(`${flag}: ${JSON.stringify(text)} is not a duration, such as 500ms, 10s, 5m or 2h`);
}

const powers: Readonly<Record<string, number>> = { "": 0, k: 1, m: 2, g: 3 };

/** Reads a size in bytes of at least one, whose unit, if it has one, is a power of 1024; an absent option stays absent. */
export function parseByteSize(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([kmg]?)$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * 1_024 ** (powers[unit.toLowerCase()] ?? 0));
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new UsageError(`${flag}: ${JSON.stringify(text)} is not a size, such as 10k, 5M or 1G`);
}

function isDuration(text: string): text is Extract<Duration, string> {
  return /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text);
}

/** Reads one of a few words; an absent option is the first of them. */
export function parseChoice<const T extends string>(
  flag: string,
  text: string | undefined,
  words: readonly [T, ...T[]],
): T {
  if (text === undefined) return words[0];
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  throw new UsageError(`${flag}: ${JSON.stringify(text)} is not one of ${words.join(", ")}`);
}

const ofConnection: ReadonlySet<string> = new Set([
  "content-length",
  "expect",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Reads headers written `Name: value`; a later one replaces an earlier one of the same name, whatever its case.
 * Names are tokens (RFC 9110 section 5.6.2); values have no control characters (section 5.5).
 *
 * @throws UsageError for what is no header, or none that a caller may write.
 */
export function parseHeaders(lines: readonly string[] = []): Readonly<Record<string, string>> {
  const headers = new Map<string, readonly [string, string]>();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*)$/s.exec(line) ?? [];
    // eslint-disable-next-line no-control-regex
    if (name === undefined || value === undefined || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) {
      throw new UsageError(`--header: ${JSON.stringify(line)} is not of the form 'Name: value'`);
    }
    if (ofConnection.has(name.toLowerCase()))
      throw new UsageError(`--header: ${name} is the connection's own and cannot be given`);
    if (/[\u0100-\uffff]/.test(value))
      throw new UsageError(
        `--header: the value of ${name} has a character beyond Latin-1, which HTTP cannot carry`,
      );
    headers.set(name.toLowerCase(), [name, value.trimEnd()]);
  }
  return Object.fromEntries(headers.values());
}
