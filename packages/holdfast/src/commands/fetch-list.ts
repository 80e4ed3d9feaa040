import type { RetryInit, Session } from "@holdfast/http";
import type { ProxyPool } from "@holdfast/proxies";
import type {
  Fetcher,
  LineFilter,
  LineResult,
  Lines,
  RunOptions,
  RunProxies,
  RunReport,
  RunTotals,
} from "@holdfast/runner";
import type { Ledger } from "@holdfast/runner/internal";
import { parseRefetchOption, parseWhereOption } from "../command-line/where.ts";
import { exitCodes } from "../process/exit-codes.ts";
import { listenToInterrupts } from "../process/interrupts.ts";
import type { InterruptStage } from "../process/interrupts.ts";
import type { Io } from "../process/io.ts";
import { printable } from "../process/printable.ts";
import { OptionError } from "../process/usage-error.ts";
import { startMeter } from "../render/progress-meter.ts";
import type { ProgressMeter, ProgressMode } from "../render/progress-meter.ts";
import { formatCount, formatMany } from "../render/quantities.ts";
import { stylerFor, supportsRedraw } from "../render/style.ts";
import { openLists } from "./open-lists.ts";
import { openPool } from "./proxy-flags.ts";
import type { FetchAgain, RunSettings } from "./run-flags.ts";
import type { RunFolder } from "./run-folder.ts";
import { given, openSession } from "./session-flags.ts";

// A line with a long wait goes back to the ledger and does not occupy one of the requests in flight.
const deferLongWaits: RetryInit = { retryAfterMax: "10s", onLongRetryAfter: "defer" };

/** Runs the list of the settings to its end or to an interrupt, and shows the progress. */
export async function fetchList(settings: RunSettings, folder: RunFolder, io: Io): Promise<RunReport> {
  const lists = await openLists(settings, folder, io);
  try {
    const pool = settings.proxies === undefined ? undefined : await openPool(settings.proxies);
    await using session = await openSession(settings.session, {
      env: io.env,
      retry: deferLongWaits,
      proxy: pool,
    });
    const again = await chooseAgain(settings.again, folder);
    const isContinued = folder.ledger !== undefined;
    const ledger = await folder.open();
    ledger.setProgramState(settings.state);
    return await fetchLines(settings, { lists, pool, session, ledger, again, isContinued, io });
  } finally {
    await Promise.all(lists.map((list) => list.close()));
  }
}

interface OpenRun {
  readonly lists: readonly Lines[];
  readonly pool: ProxyPool | undefined;
  readonly session: Session;
  readonly ledger: Ledger;
  readonly again: Pick<RunOptions, "retryFailed" | "refetch" | "refresh" | "where">;
  readonly isContinued: boolean;
  readonly io: Io;
}

async function fetchLines(settings: RunSettings, run: OpenRun): Promise<RunReport> {
  const { lists, pool, session, ledger, again, isContinued, io } = run;
  const { directory, concurrency, limits, otherList, quiet } = settings;
  const { runLedger } = await import("@holdfast/runner/internal");
  const before = isContinued && !quiet ? ledger.totals() : undefined;
  const stream = { isTTY: io.stderr.isTTY, env: io.env };
  const meter = startMeter({
    mode: chooseMode(settings, supportsRedraw(stream)),
    output: io.stderr,
    clock: io.clock,
    style: stylerFor(stream),
    totals: before,
  });
  const interrupts = listenToInterrupts(io.signals, {
    clock: io.clock,
    hasTerminal: [io.stdin, io.stdout, io.stderr].some(({ isTTY }) => isTTY === true),
    onStage: (stage) => handleInterrupt(stage, { meter, quiet, io }),
  });
  try {
    if (before !== undefined) meter.print(describeContinuation(directory, before));
    return await runLedger(ledger, {
      directory,
      session: withCountry(session, settings.proxies?.country),
      ...(pool === undefined ? {} : { proxies: pool satisfies Required<RunProxies> }),
      ...again,
      ...(lists.length === 0 ? {} : { input: lists }),
      otherList,
      ...given({ concurrency }),
      ...limits,
      drain: interrupts.drain,
      signal: interrupts.abort,
      on: (event) => meter.onEvent(event),
      clock: io.clock,
    });
  } finally {
    interrupts[Symbol.dispose]();
    await meter.stop();
  }
}

/** Returns the finished lines to fetch again. @throws UsageError if the run has no such URL. */
async function chooseAgain(
  { retryFailed, refetch, refresh, where }: FetchAgain,
  { ledger, directory }: RunFolder,
): Promise<OpenRun["again"]> {
  const filter = await parseWhereOption(where);
  const chosen = refetch === undefined ? undefined : await parseRefetchOption(refetch);
  if (chosen !== undefined && !hasLine(ledger?.results() ?? [], chosen))
    throw new OptionError("refetch", `is not a URL of the run in ${directory}`, refetch?.join(" "));
  return {
    retryFailed,
    refresh,
    ...(chosen !== undefined && { refetch: chosen }),
    ...(filter !== undefined && { where: filter }),
  };
}

function hasLine(results: Iterable<LineResult>, filter: LineFilter): boolean {
  for (const line of results) if (filter(line)) return true;
  return false;
}

/** Returns a session that uses proxies of one country only. */
function withCountry(session: Session, country: string | undefined): Fetcher {
  if (country === undefined) return session;
  const proxy = { country };
  return { request: (method, url, options) => session.request(method, url, { ...options, proxy }) };
}

function describeContinuation(directory: string, { lines, done }: RunTotals): string {
  return `Continuing the run in ${printable(directory, 1_000)}: ${formatCount(done)} of ${formatMany(lines, "line")} already done`;
}

function chooseMode({ progress, quiet }: RunSettings, canRedraw: boolean): ProgressMode {
  if (quiet) return "none";
  if (progress === "auto") return canRedraw ? "bar" : "plain";
  return progress;
}

interface InterruptContext {
  readonly meter: ProgressMeter;
  readonly quiet: boolean;
  readonly io: Io;
}

function handleInterrupt(stage: InterruptStage, { meter, quiet, io }: InterruptContext): void {
  if (stage === "exit") return io.exit(exitCodes.aborted);
  meter.onInterrupt(stage);
  if (quiet) return;
  meter.print(
    stage === "drain"
      ? "Interrupted: finishing the requests in flight (interrupt again to stop immediately)"
      : "Stopping immediately: finished lines are kept",
  );
}
