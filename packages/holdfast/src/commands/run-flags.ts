import { parseChoice, parseWholeNumber } from "../command-line/options.ts";
import type { ParsedOptions } from "../command-line/options.ts";
import { optionsFileFlag, readOptions } from "../command-line/options-file.ts";
import { parseListSource } from "../command-line/list-source.ts";
import type { ListSource } from "../command-line/list-source.ts";
import { formatCommandLine } from "../render/report.ts";
import { UsageError } from "../process/usage-error.ts";
import type { ProgressMode } from "../render/progress-meter.ts";
import { proxyFlags, readProxyFlags } from "./proxy-flags.ts";
import type { ProxySettings } from "./proxy-flags.ts";
import { readSessionFlags, sessionFlags } from "./session-flags.ts";
import type { SessionSettings } from "./session-flags.ts";

const flags = {
  ...sessionFlags,
  ...proxyFlags,
  ...optionsFileFlag,
  output: { type: "string", short: "o" },
  concurrency: { type: "string", short: "j" },
  "per-host": { type: "string" },
  progress: { type: "string" },
  report: { type: "string" },
  "retry-failed": { type: "boolean" },
  direct: { type: "boolean" },
  quiet: { type: "boolean", short: "q" },
} as const;

// A run holds as many bodies in memory as it has requests in flight.
const largestBody = 256 * 2 ** 20;

/** What the command line of `run` says, checked. */
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
  /** Whether a run that went through proxies is to go on without. */
  readonly direct: boolean;
  /** The command line that goes on with this run. */
  readonly resume: string;
}

/**
 * Reads the command line of `run`.
 *
 * @throws UsageError for whatever is wrong with it.
 */
export function readRunSettings(argv: readonly string[], stdinIsTerminal: boolean): RunSettings {
  return readOptions(argv, flags, (parsed) => ({
    ...settingsOf(parsed, stdinIsTerminal),
    resume: formatCommandLine(["run", ...argv]),
  }));
}

function settingsOf(
  { values, positionals }: ParsedOptions<typeof flags>,
  stdinIsTerminal: boolean,
): Omit<RunSettings, "resume"> {
  const session = readSessionFlags(values);
  const proxies = readProxyFlags(values);
  if (proxies !== undefined && values.direct === true)
    throw new UsageError("--direct is for going on without proxies, and some are named");
  if (values.output === "") throw new UsageError("--output needs the name of a directory");
  return {
    source: parseListSource(positionals, stdinIsTerminal),
    directory: values.output ?? "results",
    concurrency: parseWholeNumber("--concurrency", values.concurrency, { min: 1, max: 10_000 }),
    perHost: parseWholeNumber("--per-host", values["per-host"], { min: 1, max: 10_000 }),
    retryFailed: values["retry-failed"] === true,
    progress: parseChoice("--progress", values.progress, ["auto", "bar", "plain", "none"]),
    report: parseChoice("--report", values.report, ["text", "json"]),
    quiet: values.quiet === true,
    session: { ...session, maxBytes: session.maxBytes ?? largestBody },
    proxies,
    direct: values.direct === true,
  };
}
