import type { RetryInit, Session } from "@holdfast/http";
import type { Fetcher, InputLine, RunReport } from "@holdfast/runner";
import { exitCodes } from "../process/exit-codes.ts";
import { holdsRun } from "../command-line/list-source.ts";
import type { ListSource } from "../command-line/list-source.ts";
import { listenToInterrupts } from "../process/interrupts.ts";
import type { InterruptStage } from "../process/interrupts.ts";
import type { Io } from "../process/io.ts";
import { supportsRedraw, stylerFor } from "../render/style.ts";
import { formatCount, formatMany } from "../render/quantities.ts";
import { startMeter } from "../render/progress-meter.ts";
import type { ProgressMeter, ProgressMode } from "../render/progress-meter.ts";
import { openPool } from "./proxy-flags.ts";
import type { RunSettings } from "./run-flags.ts";
import { openSession } from "./session-flags.ts";

// A line that waits for long has its place in the ledger, not among the requests that are under way.
const parking: RetryInit = { retryAfterMax: "10s", onLongRetryAfter: "defer" };

/** Runs the list of the settings to its end, or to its interruption, and shows how it goes. */
export async function fetchList(settings: RunSettings, io: Io): Promise<RunReport> {
  const { directory, source, concurrency, perHost, retryFailed, quiet } = settings;
  const { run, readReport } = await import("@holdfast/runner");
  const before = !quiet && holdsRun(directory) ? readReport(directory) : undefined;
  const pool = settings.proxies === undefined ? undefined : await openPool(settings.proxies);
  const session = await openSession(settings.session, { retry: parking, proxy: pool });
  const surface = { isTTY: io.stderr.isTTY, env: io.env };
  const mode = modeOf(settings, supportsRedraw(surface));
  const meter = startMeter({
    mode,
    output: io.stderr,
    clock: io.clock,
    style: stylerFor(surface),
    totals: before,
  });
  const interrupts = listenToInterrupts(io.signals, io.clock, (stage) => answer(stage, { meter, quiet, io }));
  try {
    if (before !== undefined) meter.print(goingOn(directory, before));
    return await run({
      directory,
      session: inCountry(session, settings.proxies?.country),
      ...(pool === undefined ? {} : { proxies: pool }),
      retryFailed,
      ...(source.from === "rest" ? {} : { input: await linesFrom(source, io) }),
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

/** A session all of whose requests go through proxies of one country. */
function inCountry(session: Session, country: string | undefined): Fetcher {
  if (country === undefined) return session;
  const proxy = { country };
  return { request: (method, url, options) => session.request(method, url, { ...options, proxy }) };
}

async function linesFrom(
  source: Exclude<ListSource, { from: "rest" }>,
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

function goingOn(directory: string, { lines, done }: RunReport): string {
  return `Going on with ${directory}: ${formatCount(done)} of ${formatMany(lines, "line")} are done already`;
}

function modeOf({ progress, quiet }: RunSettings, mayRedraw: boolean): ProgressMode {
  if (quiet) return "none";
  if (progress === "auto") return mayRedraw ? "bar" : "plain";
  return progress;
}

interface Listener {
  readonly meter: ProgressMeter;
  readonly quiet: boolean;
  readonly io: Io;
}

function answer(stage: InterruptStage, { meter, quiet, io }: Listener): void {
  if (stage === "exit") return io.exit(exitCodes.aborted);
  meter.onInterrupt(stage);
  if (quiet) return;
  meter.print(
    stage === "drain"
      ? "Interrupted: finishing what is in flight; once more stops at once"
      : "Stopping at once; what has finished is kept",
  );
}
