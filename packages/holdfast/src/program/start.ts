import { isatty } from "node:tty";
import { systemClock } from "@holdfast/policy";
import { exitCodes } from "../process/exit-codes.ts";
import { isClosedPipe } from "../process/write.ts";
import { runProgram } from "./program.ts";
import { formatDebug, renderError } from "../render/error.ts";
import { plainText } from "../render/style.ts";

// The arguments may contain credentials, and every user of the machine can read them.
process.title = "holdfast";

const debug = process.env["HOLDFAST_DEBUG"] === "1";

function crash(error: unknown): void {
  if (isClosedPipe(error) || isLostTerminal(error)) return;
  process.stderr.write(renderError(error, { command: undefined, debug, style: plainText }));
  process.exit(exitCodes.internal);
}

process.on("uncaughtException", crash);
// Node ends at a hangup, also where nohup has told it to ignore the signal. A run on a terminal listens itself.
if (![0, 1, 2].some((fd) => isatty(fd))) process.on("SIGHUP", () => undefined);
process.stdout.on("error", crash);
process.stderr.on("error", () => undefined);

// Node's warnings are for developers of the program: Node 22 calls node:sqlite experimental.
process.removeAllListeners("warning");
if (debug) process.on("warning", (warning) => process.stderr.write(`${formatDebug(warning)}\n`));

const code = await runProgram(process.argv.slice(2), {
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signals: process,
  clock: systemClock,
  exit: (code) => process.exit(code),
});

/** Whether a write failed because the terminal is gone, as after a hangup. */
function isLostTerminal(error: unknown): boolean {
  return process.stdout.isTTY && error instanceof Error && "code" in error && error.code === "EIO";
}

function flush(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

// Without the exit, a list from a pipe that stays open would keep an interrupted run alive.
await Promise.all([flush(process.stdout), flush(process.stderr)]);
process.exit(code);
