import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { nginx } from "../test/support/nginx.ts";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { median } from "./http/race.ts";

const { values: options } = parseArgs({
  options: {
    /** How often each contestant downloads the file. */
    rounds: { type: "string", default: "5" },
    megabytes: { type: "string", default: "1024" },
  },
});

/** The cost of one download, in milliseconds, the start of the process included. */
interface DownloadCost {
  readonly wall: number;
  /** Processor time of the download, without the sync after it. */
  readonly cpu: number;
}

const program = `
  import { Session } from "@holdfast/http";
  await using session = new Session();
  await session.download(...process.argv.slice(1));
`;

// `times` prints the processor time of the shell and, in its second line, of the processes that it waited for. The session is the
// built one, since a user's process does not strip types.
const scripts: Readonly<Record<string, string>> = {
  "curl, then sync": 'curl -s -o "$2" "$1" && times && sync "$2"',
  holdfast: `"${process.execPath}" --input-type=module -e '${program}' "$1" "$2" && times`,
};

async function runDownload(script: string, url: string, file: string): Promise<DownloadCost> {
  const startedAt = performance.now();
  const child = spawn("bash", ["-c", script, "bash", url, file], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  let output = "";
  for await (const text of child.stdout.setEncoding("utf8")) output += String(text);
  await closed;
  if (child.exitCode !== 0) throw new Error(`Expected exit code 0, got ${child.exitCode}: ${script}`);
  const children = output.trim().split("\n")[1] ?? "";
  const cpu = [...children.matchAll(/(\d+)m([\d.]+)s/g)]
    .map(([, minutes, seconds]) => Number(minutes) * 60_000 + Number(seconds) * 1_000)
    .reduce((sum, ms) => sum + ms, 0);
  return { wall: performance.now() - startedAt, cpu };
}

async function writeFileOf(path: string, megabytes: number): Promise<void> {
  await using file = await open(path, "w");
  const piece = Buffer.alloc(1024 * 1024, "one mebibyte of a large file. ");
  for (let written = 0; written < megabytes; written += 1) await file.write(piece);
  await file.sync();
}

async function main(): Promise<void> {
  await using folder = await temporaryDirectory("bench-download");
  await writeFileOf(join(folder.path, "big.bin"), Number(options.megabytes));
  await using server = await nginx({ root: folder.path, conf: "access_log off;" });
  const costs = new Map(Object.keys(scripts).map((name) => [name, [] as DownloadCost[]]));
  for (let round = 0; round < Number(options.rounds); round += 1) {
    // The order alternates, so that a disturbance of the machine affects both.
    const names = round % 2 === 0 ? [...costs.keys()] : [...costs.keys()].toReversed();
    for (const name of names) {
      const file = join(folder.path, "saved.bin");
      costs.get(name)?.push(await runDownload(scripts[name] ?? "", `${server.url}/big.bin`, file));
      await rm(file);
    }
  }
  const [reference = [], ours = []] = [...costs.values()];
  const ratioOf = (measure: keyof DownloadCost): number =>
    median(ours.map((cost, round) => cost[measure] / (reference[round]?.[measure] ?? NaN)));
  console.log(`${options.megabytes} MiB, ${options.rounds} rounds, the median of each\n`);
  console.log("|  | seconds | seconds of processor |");
  console.log("| --- | --: | --: |");
  for (const [name, all] of costs) {
    const seconds = (measure: keyof DownloadCost): string =>
      (median(all.map((cost) => cost[measure])) / 1_000).toFixed(2);
    console.log(`| ${name} | ${seconds("wall")} | ${seconds("cpu")} |`);
  }
  console.log(`| holdfast / curl | ${ratioOf("wall").toFixed(2)} | ${ratioOf("cpu").toFixed(2)} |`);
}

await main();
