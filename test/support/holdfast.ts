import { join } from "node:path";
import { runProgram, type ProgramResult, type ProgramOptions } from "./child.ts";

/** The command that runs the program from its sources, without its arguments. */
export const holdfastCommand: readonly [string, ...string[]] = [
  process.execPath,
  "--conditions=source",
  join(import.meta.dirname, "../../packages/holdfast/src/main.ts"),
];

/** Runs the program `holdfast` to its end in a separate process. */
export function runHoldfast(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult> {
  const [node, ...rest] = holdfastCommand;
  return runProgram(node, [...rest, ...args], options);
}
