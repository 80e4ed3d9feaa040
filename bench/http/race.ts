import type { Cost, Work } from "./work.ts";
import type { Worker } from "./start-worker.ts";

/** What one contestant did in each round. */
export interface Result {
  readonly name: string;
  readonly costs: readonly Cost[];
}

// Connections that closed while others had their turn are open again, and the code is warm.
const warmUpSeconds = 0.15;

/**
 * Lets every contestant do the work once in every round, each round beginning with another one, so that whatever
 * disturbs the machine disturbs all of them.
 */
export async function race(
  workers: readonly Worker[],
  work: Work,
  rounds: number,
): Promise<readonly Result[]> {
  const lanes = workers.map((worker) => ({ worker, costs: [] as Cost[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < lanes.length; turn += 1) {
      const lane = lanes[(round + turn) % lanes.length];
      await lane?.worker.perform({ ...work, seconds: Math.min(warmUpSeconds, work.seconds) });
      lane?.costs.push(await lane.worker.perform(work));
    }
  }
  return lanes.map(({ worker, costs }) => ({ name: worker.name, costs }));
}

/** The cost of a request of `lane` divided by that of `reference`: the median over the rounds. */
export function ratio(lane: Result, reference: Result, measure: "wallMs" | "cpuMs"): number {
  return median(roundRatios(lane, reference, measure));
}

/** The cost of a request of `lane` divided by that of `reference`, round by round. */
export function roundRatios(lane: Result, reference: Result, measure: "wallMs" | "cpuMs"): readonly number[] {
  const costOfRequest = ({ requests, [measure]: spent }: Cost): number => spent / requests;
  return lane.costs.flatMap((cost, round) => {
    const other = reference.costs[round];
    return other === undefined ? [] : [costOfRequest(cost) / costOfRequest(other)];
  });
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Processor time of a request in microseconds, the median over the rounds. */
export function cpuPerRequest({ costs }: Result): number {
  return median(costs.map(({ cpuMs, requests }) => (cpuMs * 1_000) / requests));
}
