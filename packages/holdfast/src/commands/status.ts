import type { LineFilter, RunReport } from "@holdfast/runner";
import { parseRunDirectory } from "../command-line/list-source.ts";
import { parseCommandLine } from "../command-line/parse-options.ts";
import { type ProgramState, readProgramState } from "../command-line/program-state.ts";
import { parseWhereOption, whereHelp } from "../command-line/where.ts";
import { exitCodes } from "../process/exit-codes.ts";
import { toPrintableJson } from "../process/printable.ts";
import { writeAll } from "../process/write.ts";
import { renderReport } from "../render/report.ts";
import { explainResume, formatResumeCommand } from "../render/resume-command.ts";
import { stylerFor } from "../render/style.ts";
import type { Command } from "./command.ts";

const statusHelp = `Show the progress of a run, or its report when it has ended

Usage
  holdfast status DIR [--json] [--where EXPR]

Options
  --json         write the report as JSON
  --where EXPR   count and group only some lines

${whereHelp}

Examples
  holdfast status results
  holdfast status results --json | jq .reasons
  holdfast status results --where 'url ~ "^https://example\\.com/"'

Exit codes: 0 report written (whatever its content), 2 no run in DIR, 7 DIR
cannot be read.
`;

/** `holdfast status`: reports on a run without changing it. */
export const statusCommand: Command = {
  help: statusHelp,
  run: async (argv, io) => {
    const { values, positionals } = parseCommandLine(argv, {
      json: { type: "boolean" },
      where: { type: "string" },
    });
    const directory = parseRunDirectory(positionals);
    const { report, state } = await readRun(directory, await parseWhereOption(values.where));
    const text =
      values.json === true
        ? `${toPrintableJson(report)}\n`
        : renderReport(report, {
            directory,
            resume: formatResumeCommand(directory, state),
            resumeNote: explainResume(state),
            date: io.clock.date(),
            style: stylerFor({ isTTY: io.stdout.isTTY, env: io.env }),
          });
    await writeAll(io.stdout, [text]);
    return exitCodes.done;
  },
};

async function readRun(
  directory: string,
  where: LineFilter | undefined,
): Promise<{ readonly report: RunReport; readonly state: ProgramState | undefined }> {
  const { buildReport, readLedger, summarize } = await import("@holdfast/runner/internal");
  const ledger = readLedger(directory);
  try {
    const report = buildReport(ledger);
    return {
      report: where === undefined ? report : summarize(report, ledger.results(), where),
      state: readProgramState(ledger.programState()),
    };
  } finally {
    ledger.close();
  }
}
