import { join } from "node:path";
import { runProgram, type ProgramResult, type ProgramOptions } from "./child.ts";

/** The command line, but for its arguments, which runs the program from its sources. */
export const holdfastCommand: readonly [string, ...string[]] = [
  process.execPath,
  "--conditions=source",
  join(import.meta.dirname, "../../packages/holdfast/src/main.ts"),
];

/** Runs the program `holdfast` in a process of its own to its end. */
export function runHoldfast(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult> {
  const [node, ...rest] = holdfastCommand;
  return runProgram(node, [...rest, ...args], options);
}
