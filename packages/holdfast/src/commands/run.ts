import type { RunReport } from "@holdfast/runner";
import { checkReadable, containsRun } from "../command-line/list-source.ts";
import { optionsFileHelp } from "../command-line/options-file.ts";
import { exitCodeOfRun } from "../process/exit-codes.ts";
import type { Io } from "../process/io.ts";
import { UsageError } from "../process/usage-error.ts";
import { toPrintableJson } from "../process/printable.ts";
import { writeAll } from "../process/write.ts";
import { renderReport } from "../render/report.ts";
import { stylerFor } from "../render/style.ts";
import type { Command } from "./command.ts";
import { fetchList } from "./fetch-list.ts";
import { proxyFormsHelp, proxyHelp } from "./proxy-flags.ts";
import { readRunSettings } from "./run-flags.ts";
import type { RunSettings } from "./run-flags.ts";
import { sessionHelp, unitsHelp } from "./session-flags.ts";

const runHelp = `Fetch a list of URLs and record the result of each

Usage
  holdfast run [LIST] [-o DIR] [options]
  holdfast run URL... [-o DIR] [options]

LIST is a file with one URL per line, or - for standard input (the default
unless it is a terminal). Empty lines and lines that begin with # are skipped.
On a terminal, without a LIST, the command continues the run in DIR.

To continue a run, repeat its command: lines already done are not fetched again.
Ctrl-C finishes the requests in flight and starts no others. A second Ctrl-C
stops immediately. Finished lines are kept in both cases.

Options
  -o, --output DIR         directory of the run (results)
  -j, --concurrency N      maximum requests in flight (16)
  --per-host N             maximum requests in flight to one host (8)
${sessionHelp("256M", "10m")}
  --max-memory SIZE        memory for the bodies of all requests in flight (an
                           eighth of the machine's, at most 512M)
${proxyHelp}
${optionsFileHelp}
  --direct                 continue without the proxies that the run used before
  --retry-failed           also retry lines that failed permanently, and retry
                           waiting lines immediately
  --progress HOW           auto, bar, plain or none (auto: a bar on a terminal)
  --report HOW             text on standard error, or json on standard output
  -q, --quiet              print errors only: no progress, no report

${unitsHelp}

${proxyFormsHelp}

Examples
  holdfast run urls.txt -o results
  holdfast run urls.txt -o results --per-host 2 --attempts 6
  holdfast run -H 'Authorization: Bearer ...' https://api.example.com/users/1
  grep /product/ sitemap.txt | holdfast run -o products
  holdfast run urls.txt -o results --proxies proxies.txt --rotation least-used
  holdfast run urls.txt -o results --report json >report.json

Exit codes: 0 all done, 3 some failed permanently, 4 some wait or failed and a
retry may succeed, 7 DIR cannot be used, 8 no proxy left, 130 interrupted,
131 stopped immediately.
`;

/** `holdfast run`: fetches a list into a directory, or continues such a run. */
export const runCommand: Command = {
  help: runHelp,
  run: async (argv, io) => {
    const settings = readRunSettings(argv, io.stdin.isTTY === true);
    if (settings.source.from === "file") await checkReadable(settings.source.path);
    if (settings.source.from === "ledger" && !containsRun(settings.directory)) {
      throw new UsageError(
        `expected a list of URLs: none was given, and ${settings.directory} does not contain a run to continue`,
      );
    }
    await checkProxiesAreKept(settings);
    const report = await fetchList(settings, io);
    await printReport(report, settings, io);
    return exitCodeOfRun(report);
  },
};

/** Refuses to continue a run without the proxies that it used, so that a forgotten option does not reveal the address. */
async function checkProxiesAreKept({ directory, proxies, direct }: RunSettings): Promise<void> {
  if (proxies !== undefined || direct || !containsRun(directory)) return;
  const { readLedger } = await import("@holdfast/runner/internal");
  const ledger = readLedger(directory);
  const usedProxies = ledger.proxyStats() !== undefined;
  ledger.close();
  if (usedProxies)
    throw new UsageError(
      `the run in ${directory} used proxies: add --proxies or --proxy, or --direct to continue without proxies`,
    );
}

async function printReport(report: RunReport, settings: RunSettings, io: Io): Promise<void> {
  if (settings.report === "json") {
    return writeAll(io.stdout, [`${toPrintableJson(report)}\n`]);
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
