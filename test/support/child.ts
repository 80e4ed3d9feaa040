import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that a test started. Disposing of it ends this process only. */
export interface Child<T> extends AsyncDisposable {
  readonly pid: number;
  /** The value that `ready` returned. */
  readonly value: T;
  /** Returns all output of the process so far, from standard output and standard error. */
  log(): string;
}

export interface ChildOptions<T> {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Called repeatedly with the log so far. The process is ready when it returns a value other than undefined. */
  readonly ready: (log: string) => T | undefined;
  /** Longest time until the process is ready, in milliseconds. @default 15_000 */
  readonly within?: number;
}

/** Starts a process and waits until it is ready. Rejects with the log if the process exits before or takes too long. */
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
    const killTimer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await gone;
    clearTimeout(killTimer);
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
    if (wait.over()) throw new Error("The process exited before it was ready");
    if (performance.now() >= limit) throw new Error(`The process was not ready within ${wait.within} ms`);
    await sleep(20);
  }
}

/** The result of a program that ran to its end. */
export interface ProgramResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Longest run in milliseconds. The program is then killed. @default 120_000 */
  readonly within?: number;
  /** Called with the id of the process as soon as it runs, for a test that ends it. */
  readonly started?: (pid: number) => void;
}

/** Runs a program to its end and returns its result, also for an exit code other than 0. */
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
