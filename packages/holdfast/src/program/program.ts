import type { Command } from "../commands/command.ts";
import { suggest } from "@holdfast/policy/internal";
import { exitCodeOfError, exitCodes } from "../process/exit-codes.ts";
import type { Io } from "../process/io.ts";
import { printable } from "../process/printable.ts";
import { UsageError } from "../process/usage-error.ts";
import { renderError } from "../render/error.ts";
import { stylerFor } from "../render/style.ts";

// A command is loaded when it is called, so that `--help` and `--version` do not load the transport and SQLite.
const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ["run", async (): Promise<Command> => (await import("../commands/run.ts")).runCommand],
  ["status", async (): Promise<Command> => (await import("../commands/status.ts")).statusCommand],
  ["get", async (): Promise<Command> => (await import("../commands/get.ts")).getCommand],
  ["proxies", async (): Promise<Command> => (await import("../commands/proxies.ts")).proxiesCommand],
  ["compact", async (): Promise<Command> => (await import("../commands/compact.ts")).compactCommand],
  ["export", async (): Promise<Command> => (await import("../commands/export.ts")).exportCommand],
]);

/** The names of all commands. */
export const commandNames: readonly string[] = [...commands.keys()];

/** Runs the program on the arguments after its name and returns the exit code. Never throws. */
export async function runProgram(argv: readonly string[], io: Io): Promise<number> {
  const [name = ""] = argv;
  try {
    return await dispatch(argv, io);
  } catch (error) {
    const debug = (io.env["HOLDFAST_DEBUG"] ?? "") === "1";
    const style = stylerFor({ isTTY: io.stderr.isTTY, env: io.env });
    io.stderr.write(renderError(error, { command: commands.has(name) ? name : undefined, debug, style }));
    return exitCodeOfError(error);
  }
}

async function dispatch([name, ...rest]: readonly string[], io: Io): Promise<number> {
  switch (name) {
    case undefined:
      io.stderr.write(await loadHelp());
      return exitCodes.usage;
    case "-V":
    case "--version":
      io.stdout.write(`holdfast ${(await import("./version.ts")).readVersion()}\n`);
      return exitCodes.done;
    case "-h":
    case "--help":
    case "help":
      io.stdout.write(rest[0] === undefined ? await loadHelp() : (await loadCommand(rest[0])).help);
      return exitCodes.done;
    default:
      return runCommand(await loadCommand(name), rest, io);
  }
}

async function runCommand(command: Command, argv: readonly string[], io: Io): Promise<number> {
  if (!wantsHelp(argv)) return command.run(argv, io);
  io.stdout.write(command.help);
  return exitCodes.done;
}

function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).some((word) => word === "--help" || word === "-h");
}

async function loadCommand(name: string): Promise<Command> {
  const command = commands.get(name);
  if (command !== undefined) return command();
  const kind = name.startsWith("-") ? "option" : "command";
  const similar = suggest(name, commandNames);
  throw new UsageError(
    `unknown ${kind} ${printable(name)}${similar === undefined ? "" : ` (did you mean ${similar}?)`}`,
  );
}

async function loadHelp(): Promise<string> {
  return (await import("./help.ts")).programHelp;
}
