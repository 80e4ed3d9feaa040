import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { measure } from "mitata";
import { contestants, type Contestant } from "./policy-contestants.ts";

const rounds = Number(process.env["ROUNDS"] ?? 7);
const names = Object.keys(contestants);
const memoryProgram = fileURLToPath(new URL("policy-memory.ts", import.meta.url));

/** Creates the function to measure for a contestant. */
type CreateRun = (contestant: Contestant) => () => Promise<unknown>;

const error = new Error("failed");

const succeeding: CreateRun = (contestant) => contestant(async () => 1, 0);

const failingTwice: CreateRun = (contestant) => {
  let calls = 0;
  return contestant(async () => {
    calls += 1;
    if (calls % 3 !== 0) throw error;
    return 1;
  }, 0);
};

type Samples = Readonly<Record<string, readonly number[]>>;

/** Runs every contestant in every round, so that a disturbance of the machine affects all of them. */
async function race(run: CreateRun, entrants: readonly string[]): Promise<Samples> {
  const samples = Object.fromEntries(entrants.map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of entrants) {
      const contestant = contestants[name];
      if (contestant === undefined) continue;
      const { p50 } = await measure(run(contestant), { min_cpu_time: 2e8 });
      samples[name]?.push(p50);
    }
  }
  return samples;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Returns the median of the ratios to holdfast, round by round. */
function ratio(samples: Samples, name: string): number {
  return median((samples[name] ?? []).map((value, round) => value / (samples["holdfast"]?.[round] ?? NaN)));
}

function heapPerCall(name: string): number {
  const args = ["--conditions=source", "--expose-gc", memoryProgram, name];
  return Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

function printRow(cells: readonly string[]): void {
  console.log(`| ${cells.join(" | ")} |`);
}

function formatCells(samples: Samples, name: string): readonly string[] {
  const measured = samples[name];
  if (measured === undefined) return ["", ""];
  return [Math.round(median(measured)).toLocaleString("en"), ratio(samples, name).toFixed(2)];
}

async function main(): Promise<void> {
  const retrying = names.filter((name) => name !== "bare");
  const success = await race(succeeding, names);
  const retried = await race(failingTwice, retrying);
  printRow(["", "success, ns", "×", "2 failures and no wait, ns", "×", "heap of a waiting call, bytes"]);
  printRow(["---", "--:", "--:", "--:", "--:", "--:"]);
  for (const name of names) {
    const heap = retrying.includes(name) ? Math.round(heapPerCall(name)).toLocaleString("en") : "";
    printRow([name, ...formatCells(success, name), ...formatCells(retried, name), heap]);
  }
}

await main();
