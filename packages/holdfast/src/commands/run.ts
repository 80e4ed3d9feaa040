import type { RunReport } from "@holdfast/runner";
import { optionsFileHelp } from "../command-line/options-file.ts";
import { exitCodeOfRun } from "../process/exit-codes.ts";
import { checkReadable, holdsRun } from "../command-line/list-source.ts";
import type { Io } from "../process/io.ts";
import type { Command } from "./command.ts";
import { stylerFor } from "../render/style.ts";
import { renderReport } from "../render/report.ts";
import { UsageError } from "../process/usage-error.ts";
import { writeAll } from "../process/write.ts";
import { fetchList } from "./fetch-list.ts";
import { readRunSettings } from "./run-flags.ts";
import type { RunSettings } from "./run-flags.ts";
import { proxyFormsHelp, proxyHelp } from "./proxy-flags.ts";
import { sessionHelp, unitsHelp } from "./session-flags.ts";

const help = `Fetch every URL of a list, keep every result, and say what became of each line

Usage
  holdfast run [LIST] [-o DIR] [options]
  holdfast run URL... [-o DIR] [options]

LIST is a file, or - for standard input, which is also read when no LIST is
given and it is not a terminal. One URL per line; empty lines and lines that
begin with # are skipped. On a terminal, without a LIST, the run in DIR goes on.

The same command resumes: lines that are done stay done, the others go on.
Ctrl-C lets the attempts in flight finish and waits for no other; a second one
stops at once. Both keep whatever has finished.

Options
  -o, --output DIR         where the run lives (results)
  -j, --concurrency N      requests at a time (16)
  --per-host N             requests at a time to one host (8)
${sessionHelp("256M")}
${proxyHelp}
${optionsFileHelp}
  --direct                 go on without the proxies that the run had before
  --retry-failed           also try again what failed for good, and at once what
                           waits for its time
  --progress HOW           auto, bar, plain or none (auto: a bar on a terminal)
  --report HOW             text on standard error, or json on standard output
  -q, --quiet              no progress and no report, only errors

${unitsHelp}

${proxyFormsHelp}

Examples
  holdfast run urls.txt -o results
  holdfast run urls.txt -o results --per-host 2 --attempts 6
  holdfast run -H 'Authorization: Bearer ...' https://api.example.com/users/1
  grep /product/ sitemap.txt | holdfast run -o products
  holdfast run urls.txt -o results --proxies proxies.txt --rotation least-used
  holdfast run urls.txt -o results --report json >report.json

Exit status: 0 all done, 3 some failed for good, 4 some failed that a retry
might fix, or wait, 7 DIR cannot be used, 8 no proxy is left, 130 interrupted,
131 stopped at once.
`;

/** Fetches a list into a directory, or goes on with it. */
export const runCommand: Command = {
  help,
  run: async (argv, io) => {
    const settings = readRunSettings(argv, io.stdin.isTTY === true);
    if (settings.source.from === "file") await checkReadable(settings.source.path);
    if (settings.source.from === "rest" && !holdsRun(settings.directory)) {
      throw new UsageError(`no list is given, and there is no run in ${settings.directory} to go on with`);
    }
    await checkWay(settings);
    const report = await fetchList(settings, io);
    await tell(report, settings, io);
    return exitCodeOfRun(report);
  },
};

/** A run that hides behind proxies does not come out from there because somebody forgot to name them. */
async function checkWay({ directory, proxies, direct }: RunSettings): Promise<void> {
  if (proxies !== undefined || direct || !holdsRun(directory)) return;
  const { readLedger } = await import("@holdfast/runner/internal");
  const ledger = readLedger(directory);
  const wentThroughProxies = ledger.proxyStats() !== undefined;
  ledger.close();
  if (wentThroughProxies)
    throw new UsageError(
      `the run in ${directory} went through proxies: name them again, or go on without by --direct`,
    );
}

async function tell(report: RunReport, settings: RunSettings, io: Io): Promise<void> {
  if (settings.report === "json") {
    return writeAll(io.stdout, [`${JSON.stringify(report, null, 2)}\n`]);
  }
  if (settings.quiet) return;
  const { directory, resume } = settings;
  io.stderr.write(
    renderReport(report, {
      directory,
      resume,
      date: io.clock.date(),
      style: stylerFor({ isTTY: io.stderr.isTTY, env: io.env }),
    }),
  );
}
