import { totalmem } from "node:os";
import type { OtherList, RunOptions } from "@holdfast/runner";
import { parseListSource } from "../command-line/list-source.ts";
import type { ListSource } from "../command-line/list-source.ts";
import {
  findUnstored,
  type HeaderSource,
  mergeHeaders,
  withoutNames,
  withoutSecrets,
} from "../command-line/header-sources.ts";
import { optionsFileFlag, readOptions, readOptionsOver } from "../command-line/options-file.ts";
import {
  parseByteSize,
  parseChoice,
  parseDuration,
  parseWholeNumber,
} from "../command-line/parse-options.ts";
import type { ParsedOptions } from "../command-line/parse-options.ts";
import { type ProgramState, selectRemembered } from "../command-line/program-state.ts";
import { OptionError } from "../process/usage-error.ts";
import type { ProgressMode } from "../render/progress-meter.ts";
import { proxyFlags, readProxyFlags } from "./proxy-flags.ts";
import type { ProxySettings } from "./proxy-flags.ts";
import { parseHostRules, parseRate } from "../command-line/parse-limits.ts";
import { given, readSessionFlags, sessionFlags } from "./session-flags.ts";
import type { SessionSettings } from "./session-flags.ts";

const runFlags = {
  ...sessionFlags,
  ...proxyFlags,
  ...optionsFileFlag,
  output: { type: "string", short: "o", remember: false },
  concurrency: { type: "string", short: "j" },
  "per-host": { type: "string" },
  rate: { type: "string" },
  delay: { type: "string" },
  "host-rule": { type: "string", multiple: true },
  "total-rate": { type: "string" },
  "max-bandwidth": { type: "string" },
  "max-park": { type: "string" },
  "host-give-up": { type: "string" },
  "max-memory": { type: "string" },
  progress: { type: "string", remember: false },
  report: { type: "string", remember: false },
  "retry-failed": { type: "boolean", remember: false },
  refetch: { type: "string", multiple: true, remember: false },
  refresh: { type: "boolean", remember: false },
  where: { type: "string", remember: false },
  direct: { type: "boolean", remember: false },
  quiet: { type: "boolean", short: "q", remember: false },
  add: { type: "boolean", remember: false },
  "replace-list": { type: "boolean", remember: false },
  "forget-header": { type: "string", multiple: true, remember: false },
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

/** The finished lines to fetch again. */
export interface FetchAgain {
  readonly retryFailed: boolean;
  /** URLs, in which `*` stands for any text. */
  readonly refetch: readonly string[] | undefined;
  readonly refresh: boolean;
  /** The expression that narrows them. */
  readonly where: string | undefined;
}

/** The validated command line of `run`. */
export interface RunSettings {
  readonly source: ListSource;
  readonly directory: string;
  readonly concurrency: number | undefined;
  /** How long the run waits, and how fast it is. Times are in milliseconds, rates per second. */
  readonly limits: RunLimits;
  readonly again: FetchAgain;
  readonly progress: "auto" | ProgressMode;
  readonly report: "text" | "json";
  readonly quiet: boolean;
  readonly session: SessionSettings;
  readonly proxies: ProxySettings | undefined;
  /** Whether a run that used proxies may continue without them. */
  readonly direct: boolean;
  /** What to do with a list of another path than those of the run. */
  readonly otherList: OtherList;
  /** The headers without values: they were given in an earlier command and are not stored. */
  readonly missingHeaders: readonly string[];
  /** Whether the run used proxies that are not stored. */
  readonly usedUnstoredProxies: boolean;
  /** The state to keep in the folder of the run. */
  readonly state: ProgramState;
}

/** What the command line of `run` is read with. */
export interface RunContext {
  readonly stdinIsTerminal: boolean;
  /** What the folder of the run has kept; undefined for a new run. */
  readonly before: ProgramState | undefined;
}

/** Returns the folder of a run. @throws UsageError for an unknown option, a missing value and an empty name. */
export function readRunDirectory(argv: readonly string[]): string {
  return readOptions(argv, runFlags, ({ values: { output = "results" } }) => {
    if (output === "") throw new OptionError("output", "must be the name of a directory", "");
    return output;
  });
}

/**
 * Reads and validates the command line of `run`, over the options of the run's earlier commands.
 *
 * @throws UsageError for the first fault.
 */
export function readRunSettings(argv: readonly string[], context: RunContext): RunSettings {
  return readOptionsOver(context.before ?? { options: {} }, { argv, options: runFlags }, (parsed) =>
    validateRunFlags(parsed, context),
  );
}

function validateRunFlags(
  { values, positionals }: ParsedOptions<typeof runFlags>,
  { stdinIsTerminal, before }: RunContext,
): RunSettings {
  const session = readSessionFlags(values);
  const proxies = readProxyFlags(values);
  if (proxies !== undefined && values.direct === true)
    throw new OptionError("direct", "cannot be combined with --proxies or --proxy");
  const headers = mergeHeaders(
    withoutNames(before?.headers ?? [], values["forget-header"] ?? []),
    session.headers,
  );
  const source = parseListSource(positionals, { stdinIsTerminal, lastSource: before?.source });
  return {
    source,
    directory: values.output ?? "results",
    concurrency: parseWholeNumber("concurrency", values.concurrency, { min: 1, max: 10_000 }),
    limits: readLimits(values),
    again: readFetchAgain(values),
    progress: parseChoice("progress", values.progress, ["auto", "bar", "plain", "none"]),
    report: parseChoice("report", values.report, ["text", "json"]),
    quiet: values.quiet === true,
    session: { ...withRunDefaults(session, values["max-memory"]), headers },
    proxies,
    direct: values.direct === true,
    otherList: readOtherList(values),
    missingHeaders: findUnstored(headers),
    usedUnstoredProxies: before?.hasUnstoredProxies === true,
    state: toState(values, { headers, source, before }),
  };
}

function readFetchAgain(values: ParsedOptions<typeof runFlags>["values"]): FetchAgain {
  const { refetch, refresh = false, where, "retry-failed": retryFailed = false } = values;
  if (where !== undefined && !retryFailed && !refresh && refetch === undefined)
    throw new OptionError("where", "requires --retry-failed, --refetch URL or --refresh");
  return { retryFailed, refetch, refresh, where };
}

type RunLimits = Pick<
  RunOptions,
  "perHost" | "rate" | "delay" | "hostRules" | "totalRate" | "maxBandwidth" | "maxIdleWait" | "hostGiveUp"
>;

function readLimits(values: ParsedOptions<typeof runFlags>["values"]): RunLimits {
  const rules = parseHostRules(values["host-rule"]);
  return {
    ...given({
      perHost: parseWholeNumber("per-host", values["per-host"], { min: 1, max: 10_000 }),
      rate: parseRate("rate", values.rate),
      delay: parseDuration("delay", values.delay),
      totalRate: parseRate("total-rate", values["total-rate"]),
      maxBandwidth: parseByteSize("max-bandwidth", values["max-bandwidth"]),
      maxIdleWait: parseDuration("max-park", values["max-park"]),
      hostGiveUp: parseDuration("host-give-up", values["host-give-up"]),
    }),
    ...(rules !== undefined && { hostRules: rules }),
  };
}

function withRunDefaults(session: SessionSettings, maxMemory: string | undefined): SessionSettings {
  return {
    ...session,
    maxBytes: session.maxBytes ?? defaultMaxBytes,
    wire: session.wire ?? defaultWireTimeout,
    maxMemory: parseByteSize("max-memory", maxMemory) ?? defaultMaxMemory(),
  };
}

function readOtherList(values: ParsedOptions<typeof runFlags>["values"]): OtherList {
  if (values.add === true && values["replace-list"] === true)
    throw new OptionError("add", "cannot be combined with --replace-list");
  if (values.add === true) return "add";
  return values["replace-list"] === true ? "replace" : "refuse";
}

interface StateParts {
  readonly headers: readonly HeaderSource[];
  readonly source: ListSource;
  readonly before: ProgramState | undefined;
}

function toState(
  values: ParsedOptions<typeof runFlags>["values"],
  { headers, source, before }: StateParts,
): ProgramState {
  const { proxy, direct, ...rest } = values;
  const options = selectRemembered(rest, runFlags);
  return {
    // The next command uses the proxies again, unless it is told to go without them, too.
    options: direct === true ? { ...options, ...selectProxyOptions(before) } : options,
    headers: withoutSecrets(headers),
    hasUnstoredProxies:
      proxy !== undefined || (before?.hasUnstoredProxies === true && rest.proxies === undefined),
    source: source.from === "ledger" ? (before?.source ?? "file") : source.from,
  };
}

function selectProxyOptions(before: ProgramState | undefined): ProgramState["options"] {
  return Object.fromEntries(
    Object.entries(before?.options ?? {}).filter(([name]) => Object.hasOwn(proxyFlags, name)),
  );
}
