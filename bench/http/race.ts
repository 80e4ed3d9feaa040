import type { Cost, Work } from "./work.ts";
import type { Worker } from "./start-worker.ts";

/** Returns the costs of one contestant, round by round. */
export interface Result {
  readonly name: string;
  readonly costs: readonly Cost[];
}

// Reopens connections that closed during the turns of the others, and warms up the code.
const warmUpSeconds = 0.15;

/**
 * Lets every contestant do the work once per round. Each round starts with another contestant, so that a disturbance of
 * the machine affects all of them.
 */
export async function race(
  workers: readonly Worker[],
  work: Work,
  rounds: number,
): Promise<readonly Result[]> {
  const results = workers.map((worker) => ({ worker, costs: [] as Cost[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < results.length; turn += 1) {
      const result = results[(round + turn) % results.length];
      await result?.worker.perform({ ...work, seconds: Math.min(warmUpSeconds, work.seconds) });
      result?.costs.push(await result.worker.perform(work));
    }
  }
  return results.map(({ worker, costs }) => ({ name: worker.name, costs }));
}

/** Returns the cost of a request of `result` divided by that of `reference`: the median over the rounds. */
export function ratio(result: Result, reference: Result, measure: "wallMs" | "cpuMs"): number {
  return median(roundRatios(result, reference, measure));
}

/** Returns the cost of a request of `result` divided by that of `reference`, round by round. */
export function roundRatios(
  result: Result,
  reference: Result,
  measure: "wallMs" | "cpuMs",
): readonly number[] {
  const costOfRequest = ({ requests, [measure]: spent }: Cost): number => spent / requests;
  return result.costs.flatMap((cost, round) => {
    const other = reference.costs[round];
    return other === undefined ? [] : [costOfRequest(cost) / costOfRequest(other)];
  });
}

/** Returns the median of the values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Returns the processor time of a request in microseconds: the median over the rounds. */
export function cpuPerRequest({ costs }: Result): number {
  return median(costs.map(({ cpuMs, requests }) => (cpuMs * 1_000) / requests));
}
