import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { holdfastCommand } from "./holdfast.ts";

/** The longest that a program may run, in milliseconds; it is killed then, and ends without a status. */
const longestRun = 60_000;

/** How the program ended and what it wrote. */
export interface HoldfastResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The program as a child process. */
export interface RunningHoldfast {
  readonly pid: number | undefined;
  readonly ended: Promise<HoldfastResult>;
  /** What it has written to standard error so far. */
  err(): string;
  signal(signal: NodeJS.Signals): void;
  /** Closes the reading end of its standard output after the first chunk. */
  stopReading(): void;
}

/** How the program is started. */
export interface StartOptions {
  readonly cwd: string;
  /** Given to standard input, which is then closed unless it is to stay open. @default "" */
  readonly stdin?: string | { readonly open: string };
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the real program from its sources. */
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

/** Waits until a fact about another process holds; fails after ten seconds. */
export async function waitUntil(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await pause(10);
  }
}
