import { spawn } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, extname, join, relative, resolve } from "node:path";
import { faultOrigin, quickstartSite } from "@holdfast/http/testing";
import type { FaultOrigin, QuickstartSite } from "@holdfast/http/testing";
import { readReport, readResults } from "@holdfast/runner";

const root = resolve(import.meta.dirname, "..");
const program = join(root, "packages", "holdfast", "src", "main.ts");
const folder = join(root, "quickstart");
const holdfast = "npm run -s holdfast --";

/** Runs the real program as a person would, and gives its exit status. */
function runProgram(args: readonly string[]): Promise<number> {
  return new Promise((resolveWith, reject) => {
    const child = spawn(process.execPath, ["--conditions=source", program, ...args], {
      cwd: root,
      stdio: "inherit",
    });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on("SIGINT", pass).on("SIGTERM", pass);
    child.on("error", reject);
    child.on("close", (code) => {
      process.off("SIGINT", pass).off("SIGTERM", pass);
      resolveWith(code ?? 1);
    });
  });
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A path as a person in the folder of the repository would write it. */
function shown(path: string): string {
  return relative(root, path) || ".";
}

const bundled = { list: join(folder, "urls.txt"), directory: join(folder, "results") };

/** The port of the site that an unfinished run knows; undefined when there is none to go on with. */
async function unfinishedPort(): Promise<number | undefined> {
  try {
    const { lines, done } = readReport(bundled.directory);
    const [first = ""] = (await readFile(bundled.list, "utf8")).split("\n");
    return lines > 0 && done === lines ? undefined : Number(new URL(first).port);
  } catch {
    return undefined;
  }
}

/** Starts the site, at its old place when a run was broken off, so that the same command goes on with it. */
async function startSite({ routes }: QuickstartSite): Promise<{ origin: FaultOrigin; goesOn: boolean }> {
  const port = await unfinishedPort();
  if (port !== undefined) {
    const origin = await faultOrigin({ routes, port }).catch(() => undefined);
    if (origin !== undefined) return { origin, goesOn: true };
    say("The place of the site that was broken off is taken: starting afresh");
  }
  await rm(bundled.directory, { recursive: true, force: true });
  return { origin: await faultOrigin({ routes }), goesOn: false };
}

/** Fetches the bundled site, which fails at first for a third of its pages, and checks every body against the original. */
async function fetchBundledSite(flags: readonly string[]): Promise<number> {
  const site = quickstartSite({ silence: 2_000 });
  const { origin, goesOn } = await startSite(site);
  const [list, directory] = [shown(bundled.list), shown(bundled.directory)];
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(bundled.list, `${site.urls(origin.url).join("\n")}\n`);
    say(`A site of ${site.paths.length} pages on ${origin.url}, a third of which fail at first`);
    if (goesOn) say("Going on with the run that was broken off");
    say(`$ holdfast run ${list} -o ${directory}\n`);
    const code = await runProgram(["run", list, "-o", directory, ...flags]);
    say(`\nThe site ${playedFaults(site, origin)}`);
    const whole = countWholePages(site, origin, bundled.directory);
    say(`${whole} of ${site.paths.length} pages are stored byte for byte as the site has them`);
    if (whole < site.paths.length) {
      say("\nNext   npm run quickstart, which goes on where this ended");
      return code === 0 ? 1 : code;
    }
    say(`\nNext   ${holdfast} export ${directory} --format files -o quickstart/pages`);
    say("       npm run quickstart -- my-urls.txt");
    return code;
  } finally {
    await origin.close();
  }
}

/** Says how many faults of which kind the site played. */
function playedFaults(site: QuickstartSite, origin: FaultOrigin): string {
  const counts = new Map<string, number>();
  for (const [index, path] of site.paths.entries()) {
    for (const fault of site.faultsOf(index + 1).slice(0, origin.attempts(path)))
      counts.set(fault, (counts.get(fault) ?? 0) + 1);
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const kinds = [...counts].toSorted(([, a], [, b]) => b - a).map(([fault, count]) => `${count} x ${fault}`);
  return `played ${total} faults${kinds.length === 0 ? "" : `: ${kinds.join(", ")}`}`;
}

function countWholePages(site: QuickstartSite, origin: FaultOrigin, directory: string): number {
  const numbers = new Map(site.urls(origin.url).map((url, index) => [url, index + 1]));
  let whole = 0;
  for (const { url, body } of readResults(directory)) {
    const number = numbers.get(url);
    if (
      number !== undefined &&
      body !== undefined &&
      Buffer.from(body).toString("utf8") === site.pageBody(number)
    )
      whole += 1;
  }
  return whole;
}

/** Fetches a person's own list; the same command goes on with it. */
async function fetchOwnList(list: string, flags: readonly string[]): Promise<number> {
  const path = resolve(process.env["INIT_CWD"] ?? root, list);
  const directory = join(folder, `${basename(list, extname(list))}-results`);
  await mkdir(folder, { recursive: true });
  const args = ["run", list === "-" ? list : path, "-o", shown(directory), ...flags];
  say(`$ holdfast ${args.join(" ")}\n`);
  const code = await runProgram(args);
  say(`\nNext   ${holdfast} export ${shown(directory)} --format files -o ${shown(join(folder, "pages"))}`);
  return code;
}

const [first, ...rest] = process.argv.slice(2);
const own = first !== undefined && (first === "-" || !first.startsWith("-"));
process.exitCode = own ? await fetchOwnList(first, rest) : await fetchBundledSite(process.argv.slice(2));
