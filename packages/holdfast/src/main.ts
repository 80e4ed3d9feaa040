#!/usr/bin/env node
import { inspect } from "node:util";
import { systemClock } from "@holdfast/policy";
import { exitCodes } from "./process/exit-codes.ts";
import { runProgram } from "./program/program.ts";
import { plainText } from "./render/style.ts";
import { renderError } from "./render/error.ts";
import { isClosedPipe } from "./process/write.ts";

// The command line may hold credentials, and other users see it.
process.title = "holdfast";

const debug = process.env["HOLDFAST_DEBUG"] === "1";

function crash(error: unknown): void {
  if (isClosedPipe(error)) return;
  process.stderr.write(renderError(error, { command: undefined, debug, style: plainText }));
  process.exit(exitCodes.internal);
}

process.on("uncaughtException", crash);
process.stdout.on("error", crash);
process.stderr.on("error", () => undefined);

// Node's warnings are for whoever develops the program: node:sqlite is called experimental on Node 22.
process.removeAllListeners("warning");
if (debug) process.on("warning", (warning) => process.stderr.write(`${inspect(warning)}\n`));

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

function flushed(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

// A list that has not ended, such as the output of a program that waits, would keep an interrupted run alive.
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(code);
