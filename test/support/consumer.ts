import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { runProgram, type ProgramResult } from "./child.ts";

/** Puts the Node that runs the tests first, because npm may run another one. */
export const consumerEnv: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
};

/** Runs a command, and fails with its output unless it succeeds. */
export async function runSuccessfully(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<ProgramResult> {
  const result = await runProgram(command, args, { cwd, env: consumerEnv, within: 300_000 });
  assert.equal(result.code, 0, `${command} ${args.join(" ")}\n${result.stdout}${result.stderr}`);
  return result;
}

/** Creates a folder for a program that depends on the packages. */
export async function createConsumer(folder: string, manifest: object = {}): Promise<string> {
  await mkdir(folder);
  const own = { name: "consumer", private: true, type: "module", ...manifest };
  await writeFile(join(folder, "package.json"), JSON.stringify(own));
  return folder;
}

/** Installs tarballs with npm: from its cache, or else from the registry. */
export async function installTarballs(folder: string, packed: readonly string[]): Promise<void> {
  const args = ["install", "--no-audit", "--no-fund", ...packed];
  const options = { cwd: folder, env: consumerEnv, within: 300_000 };
  const offline = await runProgram("npm", [...args, "--offline"], options);
  if (offline.code !== 0) await runSuccessfully("npm", args, folder);
}
