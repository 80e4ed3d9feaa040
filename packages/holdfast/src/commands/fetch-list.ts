import type { RetryInit, Session } from "@holdfast/http";
import type { Fetcher, InputLine, RunProxies, RunReport } from "@holdfast/runner";
import { containsRun } from "../command-line/list-source.ts";
import type { ListSource } from "../command-line/list-source.ts";
import { exitCodes } from "../process/exit-codes.ts";
import { listenToInterrupts } from "../process/interrupts.ts";
import type { InterruptStage } from "../process/interrupts.ts";
import type { Io } from "../process/io.ts";
import { printable } from "../process/printable.ts";
import { startMeter } from "../render/progress-meter.ts";
import type { ProgressMeter, ProgressMode } from "../render/progress-meter.ts";
import { formatCount, formatMany } from "../render/quantities.ts";
import { stylerFor, supportsRedraw } from "../render/style.ts";
import { openPool } from "./proxy-flags.ts";
import type { RunSettings } from "./run-flags.ts";
import { openSession } from "./session-flags.ts";

// A line with a long wait goes back to the ledger and does not occupy one of the requests in flight.
const deferLongWaits: RetryInit = { retryAfterMax: "10s", onLongRetryAfter: "defer" };

/** Runs the list of the settings to its end or to an interrupt, and shows the progress. */
export async function fetchList(settings: RunSettings, io: Io): Promise<RunReport> {
  const { directory, source, concurrency, perHost, retryFailed, quiet } = settings;
  const { run, readReport } = await import("@holdfast/runner");
  const before = !quiet && containsRun(directory) ? readReport(directory) : undefined;
  const pool = settings.proxies === undefined ? undefined : await openPool(settings.proxies);
  const session = await openSession(settings.session, { retry: deferLongWaits, proxy: pool });
  const stream = { isTTY: io.stderr.isTTY, env: io.env };
  const meter = startMeter({
    mode: chooseMode(settings, supportsRedraw(stream)),
    output: io.stderr,
    clock: io.clock,
    style: stylerFor(stream),
    totals: before,
  });
  const interrupts = listenToInterrupts(io.signals, io.clock, (stage) =>
    handleInterrupt(stage, { meter, quiet, io }),
  );
  try {
    if (before !== undefined) meter.print(describeContinuation(directory, before));
    return await run({
      directory,
      session: withCountry(session, settings.proxies?.country),
      ...(pool === undefined ? {} : { proxies: pool satisfies Required<RunProxies> }),
      retryFailed,
      ...(source.from === "ledger" ? {} : { input: await openLines(source, io) }),
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(perHost === undefined ? {} : { perHost }),
      drain: interrupts.drain,
      signal: interrupts.abort,
      on: (event) => meter.onEvent(event),
      clock: io.clock,
    });
  } finally {
    interrupts[Symbol.dispose]();
    await meter.stop();
    await session.close();
  }
}

/** Returns a session that uses proxies of one country only. */
function withCountry(session: Session, country: string | undefined): Fetcher {
  if (country === undefined) return session;
  const proxy = { country };
  return { request: (method, url, options) => session.request(method, url, { ...options, proxy }) };
}

async function openLines(
  source: Exclude<ListSource, { from: "ledger" }>,
  io: Io,
): Promise<AsyncIterable<InputLine>> {
  const { readLines } = await import("@holdfast/runner");
  switch (source.from) {
    case "file":
      return readLines(source.path);
    case "stdin":
      return readLines(io.stdin);
    case "urls":
      return readLines(source.urls.map((url) => `${url}\n`));
  }
}

function describeContinuation(directory: string, { lines, done }: RunReport): string {
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
