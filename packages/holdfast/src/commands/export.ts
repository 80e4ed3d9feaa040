import type { LineFilter } from "@holdfast/runner";
import { parseRunDirectory } from "../command-line/list-source.ts";
import { parseChoice, parseCommandLine } from "../command-line/parse-options.ts";
import { exitCodes } from "../process/exit-codes.ts";
import { parseWhereOption, whereHelp } from "../command-line/where.ts";
import type { Io } from "../process/io.ts";
import { OptionError } from "../process/usage-error.ts";
import { checkFolder, checkWritable, writeFile, writeText } from "../process/write.ts";
import { formatCount } from "../render/quantities.ts";
import type { Command } from "./command.ts";

const exportHelp = `Write the results of a run as JSON lines or as files

Usage
  holdfast export DIR [--format jsonl] [--no-body] [-o FILE]
  holdfast export DIR --format files -o FOLDER

Options
  --format FORMAT      jsonl: one JSON object per line of the list (default)
                       files: one file per fetched URL
  -o, --output PATH    the file or folder to write; jsonl without it goes to
                       standard output
  --no-body            leave bodies and headers out of the JSON
  --where EXPR         only some lines
  --redact             hide credentials, keys and tokens in the URLs and headers
                       of the JSON (names of files never contain them)

A JSON line leaves out a body larger than 64 MiB ("bodyOmitted": true). Use
--format files to get it.

${whereHelp}

Examples
  holdfast export results -o results.jsonl
  holdfast export results --format files -o pages
  holdfast export results --where 'status = 200 and bytes > 1000'
  holdfast export results | jq -r 'select(.status != 200) | .url'

Exit codes: 0 written, 2 no run in DIR, 7 DIR cannot be read.
`;

/** `holdfast export`: writes the results of a run. */
export const exportCommand: Command = {
  help: exportHelp,
  run: async (argv, io) => {
    const { values, positionals } = parseCommandLine(argv, {
      format: { type: "string" },
      output: { type: "string", short: "o" },
      "no-body": { type: "boolean" },
      redact: { type: "boolean" },
      where: { type: "string" },
    });
    const format = parseChoice("format", values.format, ["jsonl", "files"]);
    const { output } = values;
    if (format === "jsonl" && output !== undefined && output !== "-") checkWritable(output);
    const directory = parseRunDirectory(positionals);
    const body = values["no-body"] === true ? "none" : "inline";
    const redact = values.redact === true;
    const where = await parseWhereOption(values.where);
    if (format === "jsonl") await exportJsonl({ directory, output, body, redact, where, io });
    else if (redact) throw new OptionError("redact", "requires --format jsonl");
    else if (body === "none") throw new OptionError("no-body", "requires --format jsonl");
    else if (output === undefined || output === "-")
      throw new OptionError("format", "files requires a folder: -o FOLDER");
    else await exportFiles(directory, output, where);
    return exitCodes.done;
  },
};

interface JsonlExport {
  readonly directory: string;
  readonly output: string | undefined;
  readonly body: "inline" | "none";
  readonly redact: boolean;
  readonly where: LineFilter | undefined;
  readonly io: Io;
}

async function exportJsonl({ directory, output, body, redact, where, io }: JsonlExport): Promise<void> {
  const { readResults, toJsonl } = await import("@holdfast/runner");
  const { filterLines } = await import("@holdfast/runner/internal");
  let omitted = 0;
  const lines = toJsonl(filterLines(readResults(directory), where), {
    body,
    redact,
    onBodyOmitted: () => (omitted += 1),
  });
  if (output === undefined || output === "-") await writeText(io.stdout, lines);
  else await writeFile(output, lines, io.clock);
  if (omitted === 0) return;
  const [bodies, them] = omitted === 1 ? ["1 body is", "it"] : [`${formatCount(omitted)} bodies are`, "them"];
  io.stderr.write(
    `holdfast export: ${bodies} too large for JSON and left out (use --format files to get ${them})\n`,
  );
}

async function exportFiles(directory: string, output: string, where: LineFilter | undefined): Promise<void> {
  checkFolder(output);
  const { readResults, writeFiles } = await import("@holdfast/runner");
  const { filterLines } = await import("@holdfast/runner/internal");
  writeFiles(filterLines(readResults(directory), where), output);
}
