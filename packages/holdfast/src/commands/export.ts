import { oneOf, parseCommandLine } from "../arguments.ts";
import { exitCodes } from "../exit-codes.ts";
import { onlyDirectory } from "../input.ts";
import type { Command } from "../program.ts";
import { UsageError } from "../usage-error.ts";
import { writeAll, writeWhole } from "../write.ts";

const help = `Write the results of a run

Usage
  holdfast export DIR [--format jsonl] [-o FILE]
  holdfast export DIR --format files -o FOLDER

Options
  --format FORMAT      jsonl: a JSON object per line of the list, with its body
                       files: one file per URL that was fetched
  -o, --output PATH    where to; jsonl goes to standard output without it, and
                       a FILE appears only when it is complete

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
    });
    const format = oneOf("--format", values.format, ["jsonl", "files"]);
    const directory = onlyDirectory(positionals);
    const { output } = values;
    const { results, toJsonl, writeFiles } = await import("@holdfast/runner");
    if (format === "files") {
      if (output === undefined || output === "-") throw new UsageError("--format files needs -o FOLDER");
      writeFiles(results(directory), output);
    } else if (output === undefined || output === "-") {
      await writeAll(io.stdout, toJsonl(results(directory)));
    } else {
      await writeWhole(output, toJsonl(results(directory)));
    }
    return exitCodes.done;
  },
};
