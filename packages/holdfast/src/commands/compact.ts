import { parseRunDirectory } from "../command-line/list-source.ts";
import { parseCommandLine } from "../command-line/parse-options.ts";
import { exitCodes } from "../process/exit-codes.ts";
import { printable } from "../process/printable.ts";
import { formatBytes } from "../render/quantities.ts";
import type { Command } from "./command.ts";
import { RunFolder } from "./run-folder.ts";

const compactHelp = `Free the disk space of bodies that were replaced

Usage
  holdfast compact DIR

A body is replaced when its line is fetched again: with --refetch, --refresh or
--retry-failed. The new results stay as they are.

Examples
  holdfast compact results

Exit codes: 0 done, 2 no run in DIR, 7 DIR cannot be used.
`;

/** `holdfast compact`: frees the space of replaced bodies. */
export const compactCommand: Command = {
  help: compactHelp,
  run: async (argv, io) => {
    const { positionals } = parseCommandLine(argv, {});
    const folder = new RunFolder(parseRunDirectory(positionals), io.clock);
    try {
      const freed = (await folder.open()).compact();
      io.stderr.write(`${formatBytes(freed)} freed in ${printable(folder.directory, 1_000)}\n`);
      return exitCodes.done;
    } finally {
      folder.close();
    }
  },
};
