import { systemClock } from "@holdfast/policy";
import { checkOptions, toMs, type OptionTypes } from "@holdfast/policy/internal";
import { hostKey } from "../host/host-key.ts";
import { hostRules, intervalOf } from "./host-limits.ts";
import { TotalPace } from "./total-pace.ts";
import { RunLoop, type RunLoopOptions } from "./run-loop.ts";
import { type RunOptions, runDefaults } from "./options.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { RunReport } from "../ledger/report.ts";
import { buildReport } from "../output/read-report.ts";
import { openLedger } from "../sqlite/sqlite-ledger.ts";

const optionTypes = {
  directory: "string",
  input: "object",
  otherList: "string",
  session: "object",
  proxies: "object",
  concurrency: "number",
  perHost: "number",
  rate: "number",
  delay: "any",
  hostRules: "object",
  totalRate: "number",
  maxBandwidth: "number",
  drain: "object",
  signal: "object",
  maxIdleWait: "any",
  maxDeferDelay: "any",
  maxDeferrals: "number",
  hostGiveUp: "any",
  retryFailed: "boolean",
  refetch: "function",
  refresh: "boolean",
  where: "function",
  on: "function",
  clock: "object",
} satisfies OptionTypes<RunOptions>;

/**
 * Fetches every line of the input that has no final outcome in the directory's ledger, and records exactly one outcome for
 * each. After any interruption, the same call continues: done lines stay done, and retryable failures and due deferrals are
 * tried again. A request that was in flight at a crash may be sent again.
 *
 * @throws LedgerError when the ledger is in use or damaged, or a write to the disk fails; RangeError or TypeError for wrong
 *   options; and the error of the input or the listener, after the finished requests are recorded.
 */
export async function run(options: RunOptions): Promise<RunReport> {
  // Wrong options must not create a folder.
  checkRunOptions(options);
  const ledger = openLedger(options.directory, { clock: options.clock ?? systemClock });
  try {
    return await runLedger(ledger, options);
  } finally {
    ledger.close();
  }
}

/** Runs a ledger that is open, and leaves it open. The errors are those of `run`. */
export async function runLedger(ledger: Ledger, options: RunOptions): Promise<RunReport> {
  const settings = checkRunOptions(options);
  const { clock } = settings;
  openAgain(ledger, options);
  const startedAt = clock.date();
  const began = clock.now();
  ledger.setRunInfo({ startedAt });
  const end = await new RunLoop({ ...options, ...settings, ledger }).run();
  ledger.setRunInfo({ startedAt, elapsed: clock.now() - began, ...end });
  return buildReport(ledger);
}

/** Opens the lines that the options choose to be fetched again. */
function openAgain(ledger: Ledger, { retryFailed, refetch, refresh, where }: RunOptions): void {
  if (retryFailed === true) ledger.reopenFailed(where);
  if (refresh === true) ledger.openAgain(where, true);
  if (refetch !== undefined)
    ledger.openAgain((line) => refetch(line) && (where === undefined || where(line)), false);
}

type RunSettings = Pick<
  RunLoopOptions,
  "clock" | "concurrency" | "ruleOf" | "pace" | "hostKey" | "maxDeferrals" | "maxIdleWait" | "maxDeferDelay"
>;

function checkRunOptions(options: RunOptions): RunSettings {
  rejectOldNames(options);
  checkOptions("run", options, optionTypes);
  for (const name of ["directory", "session"] as const)
    if (options[name] === undefined) throw new TypeError(`run requires the option ${name}`);
  checkOtherList(options.otherList);
  const {
    clock = systemClock,
    concurrency = runDefaults.concurrency,
    maxDeferrals = runDefaults.maxDeferrals,
  } = options;
  return {
    clock,
    concurrency: atLeastOne(concurrency, "concurrency"),
    ruleOf: readHostRules(options),
    pace: new TotalPace({
      interval: intervalOf("totalRate", options.totalRate),
      bytesPerSecond:
        options.maxBandwidth === undefined ? Infinity : atLeastOne(options.maxBandwidth, "maxBandwidth"),
    }),
    hostKey,
    maxDeferrals,
    maxIdleWait: toMs(options.maxIdleWait ?? runDefaults.maxIdleWait),
    maxDeferDelay: toMs(options.maxDeferDelay ?? runDefaults.maxDeferDelay),
  };
}

function readHostRules(options: RunOptions): RunLoopOptions["ruleOf"] {
  const {
    perHost = runDefaults.perHost,
    rate,
    delay,
    hostRules: own,
    hostGiveUp = runDefaults.hostGiveUp,
  } = options;
  return hostRules({
    perHost,
    giveUp: toMs(hostGiveUp),
    ...(rate !== undefined && { rate }),
    ...(delay !== undefined && { delay }),
    ...(own !== undefined && { hostRules: own }),
  });
}

function checkOtherList(value: RunOptions["otherList"]): void {
  if (value === undefined || ["refuse", "add", "replace"].includes(value)) return;
  throw new RangeError(`otherList must be "refuse", "add" or "replace", got ${JSON.stringify(value)}`);
}

const oldNames: Readonly<Record<string, keyof RunOptions>> = {
  maxPark: "maxIdleWait",
  maxDefer: "maxDeferDelay",
  maxRounds: "maxDeferrals",
};

function rejectOldNames(options: RunOptions): void {
  for (const [old, name] of Object.entries(oldNames))
    if (Object.hasOwn(options, old)) throw new TypeError(`run has no option "${old}": did you mean ${name}?`);
}

function atLeastOne(value: number, name: string): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`${name} must be an integer of at least 1, got ${value}`);
}
