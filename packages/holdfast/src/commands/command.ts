import type { Io } from "../process/io.ts";

/** One command of the program. */
export interface Command {
  /** The text of `holdfast <command> --help`, in lines of at most 80 columns. */
  readonly help: string;
  /**
   * Runs the command and returns the exit status.
   *
   * @throws UsageError when the command line is not valid.
   */
  readonly run: (argv: readonly string[], io: Io) => Promise<number>;
}
