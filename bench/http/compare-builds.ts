import { median, race, roundRatios, type Result } from "./race.ts";
import type { Work } from "./work.ts";
import { builtWorker, type Worker } from "./start-worker.ts";

/** The directories of two built clones of this repository. */
export interface Builds {
  readonly old: string;
  readonly new: string;
}

/** A measure of the new build divided by the same measure of the old one. Above 1, the new build is faster. */
export interface Speedup {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The result of a comparison. */
export interface Comparison {
  readonly requestsPerSecond: Speedup;
  readonly requestsPerCpuSecond: Speedup;
}

// Two processes of one build differ by some percent, so each group of rounds starts new ones.
const roundsPerProcess = 3;
const warmUpSeconds = 1;

/**
 * Compares two builds. Both do the work in every round, in alternating order; each ratio is taken within one round.
 */
export async function compareBuilds(builds: Builds, work: Work, rounds: number): Promise<Comparison> {
  const [oldCosts, newCosts]: [Result["costs"][number][], Result["costs"][number][]] = [[], []];
  for (let left = rounds; left > 0; left -= roundsPerProcess) {
    const oldFirst = Math.ceil(left / roundsPerProcess) % 2 === 0;
    const results = await raceGroup(builds, { work, rounds: Math.min(left, roundsPerProcess), oldFirst });
    oldCosts.push(...results.old.costs);
    newCosts.push(...results.new.costs);
  }
  const results: Results = { old: { name: "old", costs: oldCosts }, new: { name: "new", costs: newCosts } };
  return { requestsPerSecond: speedup(results, "wallMs"), requestsPerCpuSecond: speedup(results, "cpuMs") };
}

interface Results {
  readonly old: Result;
  readonly new: Result;
}

interface Group {
  readonly work: Work;
  readonly rounds: number;
  readonly oldFirst: boolean;
}

/** Races two new processes. The first round begins with the old build if `oldFirst`, the next one with the other. */
async function raceGroup(builds: Builds, { work, rounds, oldFirst }: Group): Promise<Results> {
  await using stack = new AsyncDisposableStack();
  const oldWorker = stack.use(builtWorker("holdfast (old)", builds.old));
  const newWorker = stack.use(builtWorker("holdfast (new)", builds.new));
  const workers: readonly Worker[] = oldFirst ? [oldWorker, newWorker] : [newWorker, oldWorker];
  for (const worker of workers) await worker.perform({ ...work, seconds: warmUpSeconds });
  const [first, second] = await race(workers, work, rounds);
  if (first === undefined || second === undefined) throw new Error("A race of two has two results");
  return oldFirst ? { old: first, new: second } : { old: second, new: first };
}

function speedup({ old, new: current }: Results, measure: "wallMs" | "cpuMs"): Speedup {
  const ratios = roundRatios(old, current, measure);
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}
