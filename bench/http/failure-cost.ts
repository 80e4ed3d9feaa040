import { median } from "./race.ts";

/** The processor time of a GET, in microseconds: the medians over the rounds, and the median of the ratios round by round. */
export interface FailureCost {
  readonly success: number;
  readonly failure: number;
  readonly ratio: number;
}

const requestsInFlight = 64;

/** Compares a GET that succeeds with one that fails finally with 503, each by a session of its own in this process. */
export async function measureFailureCost(
  origin: string,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<FailureCost> {
  const { Retry, Session } = await import("@holdfast/http");
  const retry = new Retry({ total: 0, statusForcelist: [503], raiseOnStatus: false });
  await using succeeding = new Session({ retry });
  await using failing = new Session({ retry });
  let requests = 0;
  const cpuOf = async (session: typeof failing, path: string): Promise<number> => {
    const end = performance.now() + seconds * 1_000;
    const [before, first] = [process.cpuUsage(), requests];
    const client = async (): Promise<void> => {
      while (performance.now() < end) await session.get(`${origin}${path}?${(requests += 1)}`);
    };
    await Promise.all(Array.from({ length: requestsInFlight }, client));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (requests - first);
  };
  const measureSuccess = (): Promise<number> => cpuOf(succeeding, "/1k");
  const measureFailure = (): Promise<number> => cpuOf(failing, "/down");
  // Warms up the code.
  for (const measure of [measureSuccess, measureFailure]) await measure();
  const costs: { readonly success: number; readonly failure: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) costs.push({ success: await measureSuccess(), failure: await measureFailure() });
    else {
      const failure = await measureFailure();
      costs.push({ success: await measureSuccess(), failure });
    }
  }
  return {
    success: median(costs.map((cost) => cost.success)),
    failure: median(costs.map((cost) => cost.failure)),
    ratio: median(costs.map((cost) => cost.failure / cost.success)),
  };
}
