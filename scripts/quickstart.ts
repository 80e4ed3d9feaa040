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

/** Runs the program as a user would, and returns its exit code. */
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

function printLine(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Returns a path as a user in the folder of the repository would write it. */
function toDisplayPath(path: string): string {
  return relative(root, path) || ".";
}

const bundled = { list: join(folder, "urls.txt"), directory: join(folder, "results") };

/** Returns the port of the site of an unfinished run, or undefined if there is no run to continue. */
async function unfinishedPort(): Promise<number | undefined> {
  try {
    const { lines, done } = readReport(bundled.directory);
    const [first = ""] = (await readFile(bundled.list, "utf8")).split("\n");
    return lines > 0 && done === lines ? undefined : Number(new URL(first).port);
  } catch {
    return undefined;
  }
}

/** Starts the site. If a run was interrupted, uses the same port, so that the same command continues the run. */
async function startQuickstartSite({
  routes,
}: QuickstartSite): Promise<{ origin: FaultOrigin; continues: boolean }> {
  const port = await unfinishedPort();
  if (port !== undefined) {
    const origin = await faultOrigin({ routes, port }).catch(() => undefined);
    if (origin !== undefined) return { origin, continues: true };
    printLine("Another program uses the port of the interrupted run: starting a new run");
  }
  await rm(bundled.directory, { recursive: true, force: true });
  return { origin: await faultOrigin({ routes }), continues: false };
}

/** Fetches the bundled site, where a third of the pages fail at first, and compares every body with the original. */
async function fetchBundledSite(flags: readonly string[]): Promise<number> {
  const site = quickstartSite({ silence: 2_000 });
  const { origin, continues } = await startQuickstartSite(site);
  const [list, directory] = [toDisplayPath(bundled.list), toDisplayPath(bundled.directory)];
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(bundled.list, `${site.urls(origin.url).join("\n")}\n`);
    printLine(`A site of ${site.paths.length} pages on ${origin.url}, a third of which fail at first`);
    if (continues) printLine("Continuing the interrupted run");
    printLine(`$ holdfast run ${list} -o ${directory}\n`);
    const code = await runProgram(["run", list, "-o", directory, ...flags]);
    // The run did not start: its error is on the terminal, and there is no ledger to read.
    if (code === 1 || code === 2 || code === 7) return code;
    printLine(`\nThe site ${describePlayedFaults(site, origin)}`);
    const complete = countCompletePages(site, origin, bundled.directory);
    printLine(`${complete} of ${site.paths.length} pages are stored byte for byte`);
    if (complete < site.paths.length) {
      printLine("\nNext   npm run quickstart, which continues this run");
      return code === 0 ? 1 : code;
    }
    printLine(`\nNext   ${holdfast} export ${directory} --format files -o quickstart/pages`);
    printLine("       npm run quickstart -- my-urls.txt");
    return code;
  } finally {
    await origin.close();
  }
}

/** Describes how many faults of each kind the site produced. */
function describePlayedFaults(site: QuickstartSite, origin: FaultOrigin): string {
  const counts = new Map<string, number>();
  for (const [index, path] of site.paths.entries()) {
    for (const fault of site.pageFaults(index + 1).slice(0, origin.attempts(path)))
      counts.set(fault, (counts.get(fault) ?? 0) + 1);
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const kinds = [...counts].toSorted(([, a], [, b]) => b - a).map(([fault, count]) => `${count} x ${fault}`);
  return `produced ${total} faults${kinds.length === 0 ? "" : `: ${kinds.join(", ")}`}`;
}

function countCompletePages(site: QuickstartSite, origin: FaultOrigin, directory: string): number {
  const numbers = new Map(site.urls(origin.url).map((url, index) => [url, index + 1]));
  let complete = 0;
  for (const { url, body } of readResults(directory)) {
    const number = numbers.get(url);
    if (
      number !== undefined &&
      body !== undefined &&
      Buffer.from(body).toString("utf8") === site.pageBody(number)
    )
      complete += 1;
  }
  return complete;
}

/** Fetches the user's own list. The same command continues an interrupted run. */
async function fetchOwnList(list: string, flags: readonly string[]): Promise<number> {
  const path = resolve(process.env["INIT_CWD"] ?? root, list);
  const directory = join(folder, `${basename(list, extname(list))}-results`);
  await mkdir(folder, { recursive: true });
  const args = ["run", list === "-" ? list : path, "-o", toDisplayPath(directory), ...flags];
  printLine(`$ holdfast ${args.join(" ")}\n`);
  const code = await runProgram(args);
  printLine(
    `\nNext   ${holdfast} export ${toDisplayPath(directory)} --format files -o ${toDisplayPath(join(folder, "pages"))}`,
  );
  return code;
}

const [first, ...rest] = process.argv.slice(2);
const hasOwnList = first !== undefined && (first === "-" || !first.startsWith("-"));
process.exitCode = hasOwnList
  ? await fetchOwnList(first, rest)
  : await fetchBundledSite(process.argv.slice(2));
