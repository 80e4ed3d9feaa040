import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Cost, Work } from "./work.ts";

/** A contestant in a separate process. Disposing of it ends the process. */
export interface Worker extends AsyncDisposable {
  readonly name: string;
  /** Does the work and returns its cost. */
  perform(work: Work): Promise<Cost>;
}

/** The name of a race: GETs without failures, or GETs of which a fifth gets a 503. */
export type RaceName = "plain" | "retrying";

const python = "/usr/bin/python3";

/** Returns which Python contestants are installed. */
export function pythonContestants(): {
  readonly found: readonly string[];
  readonly missing: readonly string[];
} {
  const has = (name: string): boolean => spawnSync(python, ["-c", `import ${name}`]).status === 0;
  const names = ["requests", "aiohttp"];
  return { found: names.filter(has), missing: names.filter((name) => !has(name)) };
}

const program = join(import.meta.dirname, "worker.ts");

/** Starts a contestant that is written in TypeScript. */
export function nodeWorker(race: RaceName, name: string, origin: string): Worker {
  return start(name, process.execPath, ["--conditions=source", "--expose-gc", program, race, name, origin]);
}

/** Starts a session of a built clone of this repository. */
export function builtWorker(name: string, clone: string): Worker {
  // Without --conditions=source, so that the packages of the clone import each other's `dist`.
  return start(name, process.execPath, [program, "built", clone]);
}

/** Starts a contestant that is written in Python. */
export function pythonWorker(race: RaceName, name: string): Worker {
  return start(`${name} (Python)`, python, [join(import.meta.dirname, "worker.py"), race, name]);
}

function start(name: string, command: string, args: readonly string[]): Worker {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => void child.once("close", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name,
    perform: async (work) => {
      child.stdin.write(`${JSON.stringify(work)}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${name} exited before its work was done`);
      return JSON.parse(value) as Cost;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
    },
  };
}
