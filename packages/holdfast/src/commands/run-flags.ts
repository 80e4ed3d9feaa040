import { totalmem } from "node:os";
import { parseListSource } from "../command-line/list-source.ts";
import type { ListSource } from "../command-line/list-source.ts";
import { optionsFileFlag, readOptions } from "../command-line/options-file.ts";
import { parseByteSize, parseChoice, parseWholeNumber } from "../command-line/parse-options.ts";
import type { ParsedOptions } from "../command-line/parse-options.ts";
import { OptionError } from "../process/usage-error.ts";
import type { ProgressMode } from "../render/progress-meter.ts";
import { formatCommandLine } from "../render/report.ts";
import { proxyFlags, readProxyFlags } from "./proxy-flags.ts";
import type { ProxySettings } from "./proxy-flags.ts";
import { readSessionFlags, sessionFlags } from "./session-flags.ts";
import type { SessionSettings } from "./session-flags.ts";

const runFlags = {
  ...sessionFlags,
  ...proxyFlags,
  ...optionsFileFlag,
  output: { type: "string", short: "o" },
  concurrency: { type: "string", short: "j" },
  "per-host": { type: "string" },
  "max-memory": { type: "string" },
  progress: { type: "string" },
  report: { type: "string" },
  "retry-failed": { type: "boolean" },
  direct: { type: "boolean" },
  quiet: { type: "boolean", short: "q" },
} as const;

// Two hosts that drip a byte within each read limit would otherwise hold their places for ever.
const defaultWireTimeout = 600_000;
// The longest body of a line, which a run keeps in memory until it is recorded.
const defaultMaxBytes = 256 * 2 ** 20;
const longestDefaultMemory = 512 * 2 ** 20;

/** Returns the memory for bodies: an eighth of what the process may use, at most 512 MiB. */
function defaultMaxMemory(): number {
  const constrained = process.constrainedMemory();
  const memory = Math.min(totalmem(), constrained > 0 ? constrained : Infinity);
  return Math.min(longestDefaultMemory, Math.max(2 ** 20, Math.floor(memory / 8)));
}

/** The validated command line of `run`. */
export interface RunSettings {
  readonly source: ListSource;
  readonly directory: string;
  readonly concurrency: number | undefined;
  readonly perHost: number | undefined;
  readonly retryFailed: boolean;
  readonly progress: "auto" | ProgressMode;
  readonly report: "text" | "json";
  readonly quiet: boolean;
  readonly session: SessionSettings;
  readonly proxies: ProxySettings | undefined;
  /** Whether a run that used proxies may continue without them. */
  readonly direct: boolean;
  /** The command line that continues this run. */
  readonly resume: string;
}

/**
 * Reads and validates the command line of `run`.
 *
 * @throws UsageError for the first fault.
 */
export function readRunSettings(argv: readonly string[], stdinIsTerminal: boolean): RunSettings {
  return readOptions(argv, runFlags, (parsed) => ({
    ...validateRunFlags(parsed, stdinIsTerminal),
    resume: formatCommandLine(["run", ...argv]),
  }));
}

function validateRunFlags(
  { values, positionals }: ParsedOptions<typeof runFlags>,
  stdinIsTerminal: boolean,
): Omit<RunSettings, "resume"> {
  const session = readSessionFlags(values);
  const proxies = readProxyFlags(values);
  if (proxies !== undefined && values.direct === true)
    throw new OptionError("direct", "cannot be combined with --proxies or --proxy");
  if (values.output === "") throw new OptionError("output", "must be the name of a directory", "");
  return {
    source: parseListSource(positionals, stdinIsTerminal),
    directory: values.output ?? "results",
    concurrency: parseWholeNumber("concurrency", values.concurrency, { min: 1, max: 10_000 }),
    perHost: parseWholeNumber("per-host", values["per-host"], { min: 1, max: 10_000 }),
    retryFailed: values["retry-failed"] === true,
    progress: parseChoice("progress", values.progress, ["auto", "bar", "plain", "none"]),
    report: parseChoice("report", values.report, ["text", "json"]),
    quiet: values.quiet === true,
    session: {
      ...session,
      maxBytes: session.maxBytes ?? defaultMaxBytes,
      wire: session.wire ?? defaultWireTimeout,
      maxMemory: parseByteSize("max-memory", values["max-memory"]) ?? defaultMaxMemory(),
    },
    proxies,
    direct: values.direct === true,
  };
}
