import { join } from "node:path";
import { runProgram, type ProgramResult, type ProgramOptions } from "./child.ts";
import { setTimeout as pause } from "node:timers/promises";
import { spawn } from "node:child_process";

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

/** Longest run of the program in milliseconds. It is then killed and ends without a status. */
const longestRun = 60_000;

/** The exit code and the output of the program. */
export interface HoldfastResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The program while it runs. */
export interface RunningHoldfast {
  readonly pid: number | undefined;
  readonly ended: Promise<HoldfastResult>;
  /** Returns the output on standard error so far. */
  err(): string;
  signal(signal: NodeJS.Signals): void;
  /** Closes the reading end of standard output after the first chunk. */
  stopReading(): void;
}

/** Options of `startHoldfast`. */
export interface StartOptions {
  readonly cwd: string;
  /** Text for standard input, which is then closed; with `open`, it stays open. @default "" */
  readonly stdin?: string | { readonly open: string };
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the program from its sources. */
export function startHoldfast(
  args: readonly string[],
  { cwd, stdin = "", env = {} }: StartOptions,
): RunningHoldfast {
  const [node, ...before] = holdfastCommand;
  const child = spawn(node, [...before, ...args], {
    cwd,
    timeout: longestRun,
    killSignal: "SIGKILL",
    env: { ...cleanEnvironment(), ...env },
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  child.stdin.on("error", () => undefined);
  if (typeof stdin === "string") child.stdin.end(stdin);
  else child.stdin.write(stdin.open);
  const ended = new Promise<HoldfastResult>((resolveWith, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolveWith({ code, out, err }));
  });
  return {
    pid: child.pid,
    ended,
    err: () => err,
    signal: (signal) => void child.kill(signal),
    stopReading: () => void child.stdout.once("data", () => child.stdout.destroy()),
  };
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const {
    NO_COLOR: _colour,
    FORCE_COLOR: _force,
    HOLDFAST_DEBUG: _debug,
    NODE_OPTIONS: _options,
    NODE_TEST_CONTEXT: _context,
    ...rest
  } = process.env;
  return rest;
}

/** Waits until `holds` returns true. Rejects after ten seconds. `fact` describes the expectation in the error. */
export async function waitUntil(fact: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Waited ten seconds in vain until ${fact}`);
    await pause(10);
  }
}
