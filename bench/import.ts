import { execFile } from "node:child_process";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { build } from "esbuild";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { median } from "./http/race.ts";

const { values: options } = parseArgs({
  options: {
    /** How often each contestant is imported, each time by a new process. */
    rounds: { type: "string", default: "25" },
    /** The highest allowed ratio of the time of @holdfast/http to that of got. */
    limit: { type: "string", default: "0.65" },
  },
});

/** Returns the time of one import in a new process, in milliseconds. The start of the process is not included. */
async function timeImport(specifier: string): Promise<number> {
  const program = `
    const startedAt = performance.now();
    await import(${JSON.stringify(specifier)});
    console.log(performance.now() - startedAt);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: import.meta.dirname,
  });
  return Number(stdout);
}

/** Bundles the built package as an application would. */
async function bundle(directory: string): Promise<string> {
  await build({
    stdin: { contents: 'export * from "@holdfast/http";', resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "node",
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    entryNames: "http",
    logLevel: "error",
  });
  return join(directory, "http.mjs");
}

async function main(): Promise<void> {
  await using directory = await temporaryDirectory("bench-import");
  const specifiers = new Map([
    ["got", "got"],
    ["@holdfast/http", "@holdfast/http"],
    ["@holdfast/http, bundled", await bundle(directory.path)],
    ["@holdfast/policy", "@holdfast/policy"],
  ]);
  const times = new Map([...specifiers.keys()].map((name) => [name, [] as number[]]));
  for (let round = 0; round < Number(options.rounds); round += 1) {
    // The order alternates, so that a disturbance of the machine affects all.
    const names = round % 2 === 0 ? [...specifiers.keys()] : [...specifiers.keys()].toReversed();
    for (const name of names) times.get(name)?.push(await timeImport(specifiers.get(name) ?? ""));
  }
  const reference = times.get("got") ?? [];
  console.log(`${options.rounds} rounds, the median of each\n`);
  console.log("|  | ms | × got |");
  console.log("| --- | --: | --: |");
  for (const [name, all] of times) {
    const ratio = median(all.map((time, round) => time / (reference[round] ?? NaN)));
    if (name === "@holdfast/http" && !(ratio <= Number(options.limit))) process.exitCode = 1;
    console.log(`| ${name} | ${median(all).toFixed(0)} | ${ratio.toFixed(2)} |`);
  }
  if (process.exitCode === 1)
    console.error(`\nThe import of @holdfast/http takes more than ${options.limit} of the time of got`);
}

await main();
