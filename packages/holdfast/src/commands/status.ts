import { parseCommandLine } from "../command-line/options.ts";
import { exitCodes } from "../process/exit-codes.ts";
import { parseRunDirectory } from "../command-line/list-source.ts";
import type { Command } from "./command.ts";
import { stylerFor } from "../render/style.ts";
import { renderReport, quoteForShell } from "../render/report.ts";
import { writeAll } from "../process/write.ts";

const help = `Say how far a run is, while it goes on or after

Usage
  holdfast status DIR [--json]

Options
  --json    the report as JSON

Examples
  holdfast status results
  holdfast status results --json | jq .reasons

Exit status: 0 whatever became of the lines, 2 no run in DIR, 7 DIR cannot be
read.
`;

/** Reports on a run without touching it. */
export const statusCommand: Command = {
  help,
  run: async (argv, io) => {
    const { values, positionals } = parseCommandLine(argv, { json: { type: "boolean" } });
    const directory = parseRunDirectory(positionals);
    const { readReport } = await import("@holdfast/runner");
    const report = readReport(directory);
    const text =
      values.json === true
        ? `${JSON.stringify(report, null, 2)}\n`
        : renderReport(report, {
            directory,
            resume: `holdfast run -o ${quoteForShell(directory)}${report.proxies === undefined ? "" : " --proxies FILE"}`,
            date: io.clock.date(),
            style: stylerFor({ isTTY: io.stdout.isTTY, env: io.env }),
          });
    await writeAll(io.stdout, [text]);
    return exitCodes.done;
  },
};
