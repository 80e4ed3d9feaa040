import { parseChoice, parseCommandLine } from "../command-line/options.ts";
import { exitCodes } from "../process/exit-codes.ts";
import { parseRunDirectory } from "../command-line/list-source.ts";
import type { Io } from "../process/io.ts";
import type { Command } from "./command.ts";
import { formatCount } from "../render/quantities.ts";
import { UsageError } from "../process/usage-error.ts";
import { checkWritable, writeAll, writeFileAtomically } from "../process/write.ts";

const help = `Write the results of a run

Usage
  holdfast export DIR [--format jsonl] [--no-body] [-o FILE]
  holdfast export DIR --format files -o FOLDER

Options
  --format FORMAT      jsonl: a JSON object per line of the list, with its body
                       files: one file per URL that was fetched
  -o, --output PATH    where to; jsonl goes to standard output without it, and
                       a FILE appears only when it is complete
  --no-body            jsonl without the bodies and headers

A body of more than 64 MiB is left out of its JSON line ("bodyLeftOut": true);
--format files has it.

Examples
  holdfast export results -o results.jsonl
  holdfast export results --format files -o pages
  holdfast export results | jq -r 'select(.status != 200) | .url'

Exit status: 0 written, 2 no run in DIR, 7 DIR cannot be read.
`;

/** Writes what a run holds in a form for other programs. */
export const exportCommand: Command = {
  help,
  run: async (argv, io) => {
    const { values, positionals } = parseCommandLine(argv, {
      format: { type: "string" },
      output: { type: "string", short: "o" },
      "no-body": { type: "boolean" },
    });
    const format = parseChoice("--format", values.format, ["jsonl", "files"]);
    const { output } = values;
    if (format === "jsonl" && output !== undefined && output !== "-") checkWritable(output);
    const directory = parseRunDirectory(positionals);
    const body = values["no-body"] === true ? "none" : "inline";
    if (format === "jsonl") await exportLines({ directory, output, body, io });
    else if (body === "none") throw new UsageError("--no-body is for --format jsonl");
    else if (output === undefined || output === "-") throw new UsageError("--format files needs -o FOLDER");
    else await exportFiles(directory, output);
    return exitCodes.done;
  },
};

interface LinesExport {
  readonly directory: string;
  readonly output: string | undefined;
  readonly body: "inline" | "none";
  readonly io: Io;
}

async function exportLines({ directory, output, body, io }: LinesExport): Promise<void> {
  const { readResults, toJsonl } = await import("@holdfast/runner");
  let count = 0;
  const lines = toJsonl(readResults(directory), { body, onBodyOmitted: () => (count += 1) });
  if (output === undefined || output === "-") await writeAll(io.stdout, lines);
  else await writeFileAtomically(output, lines);
  if (count === 0) return;
  const [bodies, them] = count === 1 ? ["1 body is", "it"] : [`${formatCount(count)} bodies are`, "them"];
  io.stderr.write(
    `holdfast export: ${bodies} too large for a JSON line and left out; --format files has ${them}\n`,
  );
}

async function exportFiles(directory: string, output: string): Promise<void> {
  const { readResults, writeFiles } = await import("@holdfast/runner");
  writeFiles(readResults(directory), output);
}
