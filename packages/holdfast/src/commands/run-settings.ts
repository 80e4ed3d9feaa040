import { oneOf, wholeNumber } from "../input/arguments.ts";
import type { Parsed } from "../input/arguments.ts";
import { configFlag, readOptions } from "../input/config.ts";
import { sourceOf } from "../input/sources.ts";
import type { Source } from "../input/sources.ts";
import { commandLine } from "../render/report.ts";
import { UsageError } from "../process/usage-error.ts";
import type { MeterMode } from "../render/progress-meter.ts";
import { proxyFlags, readProxyFlags } from "./proxy-flags.ts";
import type { ProxySettings } from "./proxy-flags.ts";
import { readSessionFlags, sessionFlags } from "./session-flags.ts";
import type { SessionSettings } from "./session-flags.ts";

const flags = {
  ...sessionFlags,
  ...proxyFlags,
  ...configFlag,
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
  readonly source: Source;
  readonly directory: string;
  readonly concurrency: number | undefined;
  readonly perHost: number | undefined;
  readonly retryFailed: boolean;
  readonly progress: "auto" | MeterMode;
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
    resume: commandLine(["run", ...argv]),
  }));
}

function settingsOf(
  { values, positionals }: Parsed<typeof flags>,
  stdinIsTerminal: boolean,
): Omit<RunSettings, "resume"> {
  const session = readSessionFlags(values);
  const proxies = readProxyFlags(values);
  if (proxies !== undefined && values.direct === true)
    throw new UsageError("--direct is for going on without proxies, and some are named");
  if (values.output === "") throw new UsageError("--output needs the name of a directory");
  return {
    source: sourceOf(positionals, stdinIsTerminal),
    directory: values.output ?? "results",
    concurrency: wholeNumber("--concurrency", values.concurrency, { min: 1, max: 10_000 }),
    perHost: wholeNumber("--per-host", values["per-host"], { min: 1, max: 10_000 }),
    retryFailed: values["retry-failed"] === true,
    progress: oneOf("--progress", values.progress, ["auto", "bar", "plain", "none"]),
    report: oneOf("--report", values.report, ["text", "json"]),
    quiet: values.quiet === true,
    session: { ...session, maxBytes: session.maxBytes ?? largestBody },
    proxies,
    direct: values.direct === true,
  };
}
