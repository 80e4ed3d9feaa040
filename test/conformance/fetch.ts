// Runs other people's tests of fetch against `createFetch`: `FETCH_CONFORMANCE` is the folder of the harness (a `run.mjs`), which needs
// `UNDICI_REPO` and `KY_REPO`, the git directories of nodejs/undici and sindresorhus/ky. Further arguments go to the harness.
//
//   npm run conformance:fetch                 retries and rate limits off: nothing may be lost but what `known-losses.ts` names
//   npm run conformance:fetch -- --retries    on: the losses are printed, since tests that count requests fail
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildPackages } from "../../scripts/build.ts";
import { knownLosses, type KnownLoss } from "./known-losses.ts";

/** A test that the platform's fetch passes, and ours does not. */
export interface Loss {
  readonly file: string;
  readonly test: string;
}

/** Reads the lost tests from the output of the harness. */
export function readLosses(output: string): readonly Loss[] {
  const losses: Loss[] = [];
  let file = "";
  for (const line of output.split("\n")) {
    const [, path] = /^\s*\d+ passed, +\d+ failed(?:, \d+ LOST)? {2}(\S+)/.exec(line) ?? [];
    if (path !== undefined) file = path;
    const [, test] = /^ {7}- (.*)$/.exec(line) ?? [];
    if (test !== undefined) losses.push({ file, test });
  }
  return losses;
}

/** Returns the losses that the list does not name. */
export function unexpectedLosses(
  losses: readonly Loss[],
  known: readonly KnownLoss[] = knownLosses,
): readonly Loss[] {
  return losses.filter(
    ({ file, test }) => !known.some((loss) => file.endsWith(loss.file) && test.startsWith(loss.test)),
  );
}

/** Returns what is missing to run the suites. */
export function missingSetup(env: NodeJS.ProcessEnv): string | undefined {
  const folder = env["FETCH_CONFORMANCE"];
  if (folder === undefined || !existsSync(join(folder, "run.mjs")))
    return "conformance:fetch needs the harness: set FETCH_CONFORMANCE to its folder, which has a run.mjs";
  const repository = ["UNDICI_REPO", "KY_REPO"].find((name) => !existsSync(env[name] ?? ""));
  return (
    repository &&
    `conformance:fetch needs ${repository}: the git directory of nodejs/undici or sindresorhus/ky`
  );
}

async function run(folder: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, FETCH_MODULE: join(import.meta.dirname, "fetch-under-test.mjs") };
  const child = spawn(process.execPath, [join(folder, "run.mjs"), ...args], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  await new Promise((resolve) => child.once("close", resolve));
  return output;
}

async function main(): Promise<void> {
  const missing = missingSetup(process.env);
  if (missing !== undefined) {
    console.error(missing);
    process.exitCode = 2;
    return;
  }
  const args = process.argv.slice(2).filter((argument) => argument !== "--retries");
  if (process.argv.includes("--retries")) process.env["HOLDFAST_RETRIES"] = "3";
  await buildPackages();
  const output = await run(process.env["FETCH_CONFORMANCE"] ?? "", args);
  if (process.argv.includes("--retries")) return;
  const unexpected = unexpectedLosses(readLosses(output));
  console.log(`${unexpected.length} lost besides the ${knownLosses.length} that known-losses.ts names`);
  for (const { file, test } of unexpected) console.log(`  ${file}: ${test}`);
  // Without a sum the harness did not get to its end.
  if (unexpected.length > 0 || !/^\d+ passed, \d+ failed$/m.test(output)) process.exitCode = 1;
}

if (import.meta.main) await main();
