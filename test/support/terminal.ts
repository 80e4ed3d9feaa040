import { spawn } from "node:child_process";
import { holdfastCommand } from "./holdfast.ts";

/** Options of `runOnTerminal`. */
export interface TerminalOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a terminal received from the program, each byte as one character, and the exit code. */
export interface TerminalResult {
  readonly code: number | null;
  readonly screen: string;
}

/**
 * Runs the program with all its streams on a pseudo-terminal of 80 columns, by `script` of util-linux. CR LF, which a terminal
 * makes of LF, is LF in the result.
 */
export async function runOnTerminal(
  args: readonly string[],
  { cwd, env = {} }: TerminalOptions,
): Promise<TerminalResult> {
  const command = [...holdfastCommand, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = spawn("script", ["-qefc", `stty cols 80; exec ${command}`, "/dev/null"], {
    cwd,
    timeout: 60_000,
    killSignal: "SIGKILL",
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1", TERM: "xterm", SHELL: "/bin/sh", ...env },
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, screen: Buffer.concat(chunks).toString("latin1").replaceAll("\r\n", "\n") };
}
