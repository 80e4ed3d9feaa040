import { existsSync } from "node:fs";
import { join } from "node:path";
import type { InputLine, RunReport } from "@holdfast/runner";
import { oneOf, parseCommandLine, wholeNumber } from "../arguments.ts";
import { exitCodeOfRun, exitCodes } from "../exit-codes.ts";
import { checkReadable, sourceOf } from "../input.ts";
import type { Source } from "../input.ts";
import { listenToInterrupts } from "../interrupts.ts";
import type { InterruptStage } from "../interrupts.ts";
import type { Io } from "../io.ts";
import { startMeter } from "./meter.ts";
import type { Meter, MeterMode } from "./meter.ts";
import type { Command } from "../program.ts";
import { mayRedraw, paintFor } from "../render/paint.ts";
import { formatCount, formatMany } from "../render/quantity.ts";
import { commandLine, renderReport } from "../render/report.ts";
import { UsageError } from "../usage-error.ts";
import { openSession, readSessionFlags, sessionFlags, sessionHelp } from "./session-flags.ts";
import type { SessionSettings } from "./session-flags.ts";

const flags = {
  ...sessionFlags,
  output: { type: "string", short: "o" },
  concurrency: { type: "string", short: "j" },
  "per-host": { type: "string" },
  progress: { type: "string" },
  report: { type: "string" },
  "retry-failed": { type: "boolean" },
  quiet: { type: "boolean", short: "q" },
} as const;

const help = `Fetch every URL of a list, keep every result, and say what became of each line

Usage
  holdfast run [LIST] [-o DIR] [options]
  holdfast run URL... [-o DIR] [options]

LIST is a file, or - for standard input, which is also read when no LIST is
given and it is not a terminal. One URL per line; empty lines and lines that
begin with # are skipped. On a terminal, without a LIST, the run in DIR goes on.

The same command resumes: lines that are done stay done, the others go on.
Ctrl-C finishes what is in flight; a second one stops at once. Both keep
whatever has finished.

Options
  -o, --output DIR         where the run lives (results)
  -j, --concurrency N      requests at a time (16)
  --per-host N             requests at a time to one host (8)
${sessionHelp}
  --retry-failed           also try again what failed for good
  --progress HOW           auto, bar, plain or none (auto: a bar on a terminal)
  --report HOW             text on standard error, or json on standard output
  -q, --quiet              no progress and no report, only errors

TIME is a number with ms, s, m or h.

Examples
  holdfast run urls.txt -o results
  holdfast run urls.txt -o results --per-host 2 --attempts 6
  holdfast run -H 'Authorization: Bearer ...' https://api.example.com/users/1
  grep /product/ sitemap.txt | holdfast run -o products
  holdfast run urls.txt -o results --report json >report.json

Exit status: 0 all done, 3 some failed for good, 4 some failed that a retry
might fix, or wait, 7 DIR cannot be used, 130 interrupted, 131 stopped at once.
`;

interface Settings {
  readonly source: Source;
  readonly directory: string;
  readonly concurrency: number | undefined;
  readonly perHost: number | undefined;
  readonly retryFailed: boolean;
  readonly progress: "auto" | MeterMode;
  readonly report: "text" | "json";
  readonly quiet: boolean;
  readonly session: SessionSettings;
  /** The command line that goes on with this run. */
  readonly resume: string;
}

/** Fetches a list into a directory, or goes on with it. */
export const runCommand: Command = {
  help,
  run: async (argv, io) => {
    const settings = readSettings(argv, io);
    if (settings.source.from === "file") await checkReadable(settings.source.path);
    if (settings.source.from === "rest" && !holdsRun(settings.directory)) {
      throw new UsageError(`no list is given, and there is no run in ${settings.directory} to go on with`);
    }
    const report = await fetchAll(settings, io);
    await tell(report, settings, io);
    return exitCodeOfRun(report);
  },
};

function readSettings(argv: readonly string[], io: Io): Settings {
  const { values, positionals } = parseCommandLine(argv, flags);
  if (values.output === "") throw new UsageError("--output needs the name of a directory");
  return {
    source: sourceOf(positionals, positionals.length === 0 && io.stdin.isTTY === true),
    directory: values.output ?? "results",
    concurrency: wholeNumber("--concurrency", values.concurrency, { min: 1, max: 10_000 }),
    perHost: wholeNumber("--per-host", values["per-host"], { min: 1, max: 10_000 }),
    retryFailed: values["retry-failed"] === true,
    progress: oneOf("--progress", values.progress, ["auto", "bar", "plain", "none"]),
    report: oneOf("--report", values.report, ["text", "json"]),
    quiet: values.quiet === true,
    session: readSessionFlags(values),
    resume: commandLine(["run", ...argv]),
  };
}

function holdsRun(directory: string): boolean {
  return existsSync(join(directory, "ledger.db"));
}

async function fetchAll(settings: Settings, io: Io): Promise<RunReport> {
  const { directory, source, concurrency, perHost, retryFailed } = settings;
  const [{ run }, session] = await Promise.all([import("@holdfast/runner"), openSession(settings.session)]);
  const meter = startMeter({
    mode: modeOf(settings, io),
    output: io.stderr,
    clock: io.clock,
    paint: paintOf(io),
  });
  const interrupts = listenToInterrupts(io.signals, io.clock, (stage) =>
    answerInterrupt(stage, { meter, settings, io }),
  );
  try {
    if (!settings.quiet) await sayWhatIsKnown(directory, meter);
    return await run({
      directory,
      session,
      retryFailed,
      ...(source.from === "rest" ? {} : { input: await linesFrom(source, io) }),
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(perHost === undefined ? {} : { perHost }),
      drain: interrupts.drain,
      signal: interrupts.abort,
      on: (event) => meter.hear(event),
      clock: io.clock,
    });
  } finally {
    interrupts[Symbol.dispose]();
    await meter.stop();
    await session.close();
  }
}

async function linesFrom(
  source: Exclude<Source, { from: "rest" }>,
  io: Io,
): Promise<AsyncIterable<InputLine>> {
  const { linesOf } = await import("@holdfast/runner");
  switch (source.from) {
    case "file":
      return linesOf(source.path);
    case "stdin":
      return linesOf(io.stdin);
    case "urls":
      return linesOf(source.urls.map((url) => `${url}\n`));
  }
}

async function sayWhatIsKnown(directory: string, meter: Meter): Promise<void> {
  if (!holdsRun(directory)) return;
  const { readReport } = await import("@holdfast/runner");
  const { lines, done } = readReport(directory);
  meter.say(
    `Going on with ${directory}: ${formatCount(done)} of ${formatMany(lines, "line")} are done already`,
  );
}

function answerInterrupt(
  stage: InterruptStage,
  { meter, settings, io }: { readonly meter: Meter; readonly settings: Settings; readonly io: Io },
): void {
  if (stage === "exit") return io.exit(exitCodes.aborted);
  meter.interrupted(stage);
  if (settings.quiet) return;
  meter.say(
    stage === "drain"
      ? "Interrupted: finishing what is in flight; once more stops at once"
      : "Stopping at once; what has finished is kept",
  );
}

function modeOf({ progress, quiet }: Settings, io: Io): MeterMode {
  if (quiet) return "none";
  const redraw = mayRedraw({ isTTY: io.stderr.isTTY, env: io.env });
  if (progress === "auto") return redraw ? "bar" : "plain";
  return progress;
}

function paintOf(io: Io): ReturnType<typeof paintFor> {
  return paintFor({ isTTY: io.stderr.isTTY, env: io.env });
}

async function tell(report: RunReport, settings: Settings, io: Io): Promise<void> {
  if (settings.report === "json") {
    const { writeAll } = await import("../write.ts");
    return writeAll(io.stdout, [`${JSON.stringify(report, null, 2)}\n`]);
  }
  if (settings.quiet) return;
  const { directory, resume } = settings;
  io.stderr.write(renderReport(report, { directory, resume, date: io.clock.date(), paint: paintOf(io) }));
}
