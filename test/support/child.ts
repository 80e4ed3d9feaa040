import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that a test started; disposing of it ends it, and it alone. */
export interface Child<T> extends AsyncDisposable {
  readonly pid: number;
  /** What `ready` found when the process was ready. */
  readonly value: T;
  /** Everything that the process wrote to its standard output and error so far. */
  log(): string;
}

export interface ChildOptions<T> {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Asked again and again with the log so far, until it answers with more than `undefined`. */
  readonly ready: (log: string) => T | undefined;
  /** How long the process may take to get ready, in milliseconds. @default 15_000 */
  readonly within?: number;
}

/** Starts a process and waits until it is ready; one that isn't in time, or ends before, is an error with its log. */
export async function startChild<T>(options: ChildOptions<T>): Promise<Child<T>> {
  const { command, args, env = process.env, ready, within = 15_000 } = options;
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", (error) => {
      log += `${error.message}\n`;
      resolve();
    });
  }).then(() => void (ended = true));
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (log += text));
  }
  const end = async (): Promise<void> => {
    if (ended) return;
    child.kill("SIGTERM");
    const patience = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await gone;
    clearTimeout(patience);
  };
  try {
    const value = await waitUntilReady({ ready: () => ready(log), over: () => ended, within });
    return { pid: child.pid ?? 0, value, log: () => log, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw new Error(`${command} did not start:\n${log}`, { cause: error });
  }
}

async function waitUntilReady<T>(wait: {
  ready: () => T | undefined;
  over: () => boolean;
  within: number;
}): Promise<T> {
  const limit = performance.now() + wait.within;
  for (;;) {
    const value = wait.ready();
    if (value !== undefined) return value;
    if (wait.over()) throw new Error("It ended before it was ready");
    if (performance.now() >= limit) throw new Error(`It was not ready within ${wait.within} ms`);
    await sleep(20);
  }
}

/** How a program that ran to its end did. */
export interface ProgramResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The longest that it may run, in milliseconds; it is killed then. @default 120_000 */
  readonly within?: number;
  /** Hears of the process as soon as it runs, to end it by its id. */
  readonly started?: (pid: number) => void;
}

/** Runs a program to its end, whatever its exit code. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { cwd, env = process.env, within = 120_000, started } = options;
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: within,
    killSignal: "SIGKILL",
  });
  if (child.pid !== undefined) started?.(child.pid);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  await once(child, "close");
  return { code: child.exitCode, signal: child.signalCode, stdout, stderr };
}
