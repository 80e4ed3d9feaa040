import { isIP } from "node:net";
import { parseArgs } from "node:util";
import { suggest, toMs, ownValue } from "@holdfast/policy/internal";
import type { Duration } from "@holdfast/policy";
import { OptionError, UsageError } from "../process/usage-error.ts";

/** One option of a command, as `parseArgs` of `node:util` describes it. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly multiple?: boolean;
  /** `false` for an option that belongs to one command, and that the folder of a run does not keep. */
  readonly remember?: false;
}

/** The options of a command by their long names. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type ParseConfig<T extends OptionSpecs> = {
  args: string[];
  options: T;
  allowPositionals: true;
  allowNegative: boolean;
};

/** The values of a command line by option, and its positional arguments in order. */
export type ParsedOptions<T extends OptionSpecs> = ReturnType<typeof parseArgs<ParseConfig<T>>>;

/**
 * Parses a command line.
 *
 * @throws UsageError for an unknown option, with a suggestion where one is similar, and for a missing value.
 */
export function parseCommandLine<const T extends OptionSpecs>(
  argv: readonly string[],
  options: T,
): ParsedOptions<T> {
  try {
    // An option whose own name begins with "no-" would be taken for a negative one.
    const allowNegative = !Object.keys(options).some((name) => name.startsWith("no-"));
    return parseArgs<ParseConfig<T>>({
      args: [...argv],
      options,
      allowPositionals: true,
      allowNegative,
    });
  } catch (error) {
    throw toUsageError(error, Object.keys(options));
  }
}

function toUsageError(error: unknown, known: readonly string[]): unknown {
  if (!(error instanceof TypeError) || !("code" in error)) return error;
  const option = (/'([^']+)'/.exec(error.message)?.[1] ?? "").replace(/ <value>$/, "");
  if (error.code === "ERR_PARSE_ARGS_UNKNOWN_OPTION")
    return new UsageError(describeUnknownOption(option, known));
  if (error.code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE")
    return new UsageError(describeBadValue(option, error.message));
  return error;
}

function describeUnknownOption(option: string, known: readonly string[]): string {
  const similar = option.startsWith("--") ? suggestOption(option.slice(2), known) : undefined;
  return `unknown option ${option}${similar === undefined ? "" : ` (did you mean --${similar}?)`}`;
}

/** The current names of options that were renamed. */
const renamedOptions: Readonly<Record<string, string>> = {
  rest: "cooldown",
  rotate: "rotation",
  rotating: "rotates-per-connection",
};

/** Returns the known option that an unknown name most likely stands for. */
export function suggestOption(name: string, known: readonly string[]): string | undefined {
  const renamed = ownValue(renamedOptions, name);
  return known.find((option) => option === renamed) ?? suggest(name, known);
}

function describeBadValue(option: string, message: string): string {
  if (message.includes("does not take an argument")) return `${option} takes no value`;
  return `${option} needs a value${message.includes("ambiguous") ? " (write a value that begins with a dash as --name=-value)" : ""}`;
}

/** Parses a whole number in `[min, max]`; undefined stays undefined. */
export function parseWholeNumber(
  option: string,
  text: string | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  throw new OptionError(option, `must be a whole number from ${min} to ${max}`, text);
}

/** Parses a duration with a unit into milliseconds, more than 0; undefined stays undefined. */
export function parseDuration(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = isDuration(text) ? toMs(text) : NaN;
  if (ms > 0 && Number.isFinite(ms)) return ms;
  throw new OptionError(option, "must be a duration, such as 500ms, 10s, 5m or 2h", text);
}

const powersOf1024: Readonly<Record<string, number>> = { "": 0, k: 1, m: 2, g: 3 };

/** Parses a size of at least one byte, with or without a unit (powers of 1024); undefined stays undefined. */
export function parseByteSize(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([kmg]?)$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * 1_024 ** (ownValue(powersOf1024, unit.toLowerCase()) ?? 0));
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new OptionError(option, "must be a size, such as 10k, 5M or 1G", text);
}

function isDuration(text: string): text is Extract<Duration, string> {
  return /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text);
}

/** Parses IP addresses and ranges of them, such as `10.0.0.0/8`; none are undefined. */
export function parseAddresses(
  option: string,
  texts: readonly string[] | undefined,
): readonly string[] | undefined {
  for (const text of texts ?? [])
    if (!isAddressRange(text))
      throw new OptionError(option, "must be an IP address or a range, such as 10.1.0.0/16", text);
  return texts;
}

function isAddressRange(text: string): boolean {
  const [, address = "", length = "0"] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(length) <= (family === 4 ? 32 : 128);
}

/** Parses one of the words; undefined stands for the first of them. */
export function parseChoice<const T extends string>(
  option: string,
  text: string | undefined,
  words: readonly [T, ...T[]],
): T {
  if (text === undefined) return words[0];
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  throw new OptionError(option, `must be one of ${words.join(", ")}`, text);
}

const connectionHeaders: ReadonlySet<string> = new Set([
  "content-length",
  "expect",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Parses headers of the form `Name: value`. A later header replaces an earlier one of the same name, in any case.
 * Names are tokens (RFC 9110 section 5.6.2); values have no control characters (section 5.5).
 *
 * @throws UsageError for another form, and for a header that the connection itself sets.
 */
export function parseHeaders(lines: readonly string[] = []): Readonly<Record<string, string>> {
  const headers = new Map<string, readonly [string, string]>();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*)$/s.exec(line) ?? [];
    // eslint-disable-next-line no-control-regex
    if (name === undefined || value === undefined || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value))
      throw new OptionError("header", "must have the form 'Name: value'", line);
    if (connectionHeaders.has(name.toLowerCase()))
      throw new OptionError("header", `cannot set ${name}: the connection sets it itself`);
    if (/[\u0100-\uffff]/.test(value))
      throw new OptionError(
        "header",
        `cannot send the value of ${name}: it has a character outside of Latin-1`,
      );
    headers.set(name.toLowerCase(), [name, value.trimEnd()]);
  }
  return Object.fromEntries(headers.values());
}
