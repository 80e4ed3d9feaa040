import { execFile } from "node:child_process";
import { cpSync, globSync, mkdirSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { buildPackages } from "./build.ts";

const root = join(import.meta.dirname, "..");
const bin = join(root, "node_modules/.bin");
/** Puts the Node that runs this first, because npm may run another one. */
const env = { ...process.env, PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter) };

/**
 * Packs all packages as npm publishes them, and returns their tarballs. npm changes each package.json while it packs, so
 * this packs a copy of the workspace in `directory`: other processes may read the original.
 */
export async function packPackages(directory: string): Promise<readonly string[]> {
  await buildPackages();
  const copy = join(directory, "workspace");
  const tarballs = join(directory, "tarballs");
  mkdirSync(tarballs, { recursive: true });
  for (const path of ["packages", "scripts", "package.json", "package-lock.json", "tsconfig.base.json"])
    cpSync(join(root, path), join(copy, path), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  await promisify(execFile)("npm", ["pack", "--workspaces", "--pack-destination", tarballs], {
    cwd: copy,
    env,
  });
  return globSync("*.tgz", { cwd: tarballs })
    .toSorted()
    .map((file) => join(tarballs, file));
}

/** Checks the tarballs with publint and attw. */
async function main(): Promise<void> {
  await using directory = await temporaryDirectory("pack");
  const run = async (command: string, args: readonly string[]): Promise<void> => {
    try {
      await promisify(execFile)(join(bin, command), args, { env });
    } catch (error) {
      console.error(`${command} ${args.join(" ")}`, (error as { readonly stdout: string }).stdout);
      process.exitCode = 1;
    }
  };
  const tarballs = await packPackages(directory.path);
  for (const tarball of tarballs) {
    await run("publint", ["--strict", tarball]);
    await run("attw", [tarball, "--profile", "esm-only"]);
  }
  console.log(`${tarballs.length} tarballs checked`);
}

if (import.meta.main) await main();
