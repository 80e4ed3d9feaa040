import type { RunReport } from "@holdfast/runner";
import { checkReadable, containsRun } from "../command-line/list-source.ts";
import { optionsFileHelp } from "../command-line/options-file.ts";
import { whereHelp } from "../command-line/where.ts";
import { readProgramState } from "../command-line/program-state.ts";
import { exitCodeOfRun } from "../process/exit-codes.ts";
import type { Io } from "../process/io.ts";
import { UsageError } from "../process/usage-error.ts";
import { toPrintableJson } from "../process/printable.ts";
import { writeAll } from "../process/write.ts";
import { renderReport } from "../render/report.ts";
import { explainResume, formatResumeCommand } from "../render/resume-command.ts";
import { stylerFor } from "../render/style.ts";
import type { Command } from "./command.ts";
import { fetchList } from "./fetch-list.ts";
import { proxyFormsHelp, proxyHelp } from "./proxy-flags.ts";
import { readRunDirectory, readRunSettings } from "./run-flags.ts";
import type { RunSettings } from "./run-flags.ts";
import { RunFolder } from "./run-folder.ts";
import { sessionHelp, unitsHelp } from "./session-flags.ts";

const runHelp = `Fetch a list of URLs and record the result of each

Usage
  holdfast run [LIST] [-o DIR] [options]
  holdfast run URL... [-o DIR] [options]

LIST is a file with one URL per line, or - for standard input (the default of a
new run unless it is a terminal). Empty lines are skipped, and so is a comment:
# or // at the beginning of a line or after a space.

To continue a run, name its DIR alone, or repeat its command. Lines already done
are not fetched again. The folder keeps the list and the options, but no secrets
such as the value of an Authorization header. Lines that are no longer in the
list are set apart, with their results.
Ctrl-C finishes the requests in flight and starts no others. A second Ctrl-C
stops immediately. Finished lines are kept in both cases.

Options
  -o, --output DIR         directory of the run (results)
  -j, --concurrency N      maximum requests in flight (16)
  --per-host N             maximum requests in flight to one host (8)
  --rate RATE              maximum requests to one host, such as 5/s or 100/m
  --delay TIME             shortest time between two requests to one host
  --host-rule 'HOST ...'   other limits for one host: rate=RATE, delay=TIME and
                           per-host=N; may be repeated
  --total-rate RATE        maximum requests, over all hosts
  --max-bandwidth SIZE     bytes of bodies per second, over all hosts
  --max-park TIME          end when only hosts that wait are left, and no line
                           has ended for this time (2m)
  --host-give-up TIME      end the lines of a host that has sent no response for
                           this time, over all commands (1h)
${sessionHelp("256M", "10m")}
  --max-memory SIZE        memory for the bodies of all requests in flight (an
                           eighth of the machine's, at most 512M)
${proxyHelp}
${optionsFileHelp}
  --add                    fetch a second list into the folder of another one
  --replace-list           LIST takes the place of the lists of the run
  --forget-header NAME     do not send a header of earlier commands
  --direct                 continue without the proxies that the run used before
  --retry-failed           also retry lines that failed permanently, and retry
                           waiting lines immediately
  --refetch URL            fetch lines again; * stands for any text
  --refresh                ask the servers of finished lines for a newer body
  --where EXPR             narrow these three options to some lines
  --progress HOW           auto, bar, plain or none (auto: a bar on a terminal)
  --report HOW             text on standard error, or json on standard output
  -q, --quiet              print errors only: no progress, no report

${unitsHelp}

${whereHelp}

${proxyFormsHelp}

Examples
  holdfast run urls.txt -o results
  holdfast run urls.txt -o results --per-host 2 --attempts 6
  holdfast run -o results
  holdfast run -o results --retry-failed --where 'status = 403'
  holdfast run urls.txt -o private --header-env 'Authorization=TOKEN'
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
    const directory = readRunDirectory(argv);
    const folder = new RunFolder(directory, io.clock);
    try {
      if (containsRun(directory)) await folder.open();
      return await runIn(folder, argv, io);
    } finally {
      folder.close();
    }
  },
};

async function runIn(folder: RunFolder, argv: readonly string[], io: Io): Promise<number> {
  const { directory } = folder;
  const settings = readRunSettings(argv, {
    stdinIsTerminal: io.stdin.isTTY === true,
    before: readProgramState(folder.ledger?.programState()),
  });
  if (settings.source.from === "file") await checkReadable(settings.source.path);
  if (settings.source.from === "ledger" && folder.ledger === undefined) {
    throw new UsageError(
      `expected a list of URLs: none was given, and ${directory} does not contain a run to continue`,
    );
  }
  checkProxiesAreKept(settings, folder);
  const report =
    settings.missingHeaders.length > 0
      ? await reportMissingHeaders(settings, folder, io)
      : await fetchList(settings, folder, io);
  await printReport(report, settings, io);
  return exitCodeOfRun(report);
}

/** Refuses to continue a run without the proxies that it used, so that a forgotten option does not reveal the address. */
function checkProxiesAreKept(
  { proxies, direct, usedUnstoredProxies }: RunSettings,
  { directory, ledger }: RunFolder,
): void {
  if (proxies !== undefined || direct) return;
  if (usedUnstoredProxies || ledger?.proxyStats() !== undefined)
    throw new UsageError(
      `the run in ${directory} used proxies: add --proxies or --proxy, or --direct to continue without proxies`,
    );
}

/** Leaves the lines of a run as they are, because a request without its credentials would fail them. */
async function reportMissingHeaders(
  { missingHeaders, directory }: RunSettings,
  { ledger }: RunFolder,
  io: Io,
): Promise<RunReport> {
  const { buildReport, readLedger } = await import("@holdfast/runner/internal");
  const [names, value] = [missingHeaders.join(" and "), missingHeaders.length === 1 ? "value" : "values"];
  const [first = ""] = missingHeaders;
  io.stderr.write(
    `holdfast run: the lines wait, because this run sent the header ${names} and its ${value} is not stored\n` +
      `  Give -H '${first}: ...' or --header-env '${first}=VARIABLE' again, or --forget-header ${first}\n`,
  );
  return buildReport(ledger ?? readLedger(directory));
}

async function printReport(report: RunReport, settings: RunSettings, io: Io): Promise<void> {
  if (settings.report === "json") {
    return writeAll(io.stdout, [`${toPrintableJson(report)}\n`]);
  }
  if (settings.quiet) return;
  const { directory, state } = settings;
  io.stderr.write(
    renderReport(report, {
      directory,
      resume: formatResumeCommand(directory, state),
      resumeNote: explainResume(state),
      date: io.clock.date(),
      style: stylerFor({ isTTY: io.stderr.isTTY, env: io.env }),
    }),
  );
}
