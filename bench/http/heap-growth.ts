import { freePort } from "../../test/support/ports.ts";

/** The growth of a session's heap while requests fail. */
export interface HeapGrowth {
  readonly requests: number;
  /** Heap in bytes after each tenth of the requests and a garbage collection. */
  readonly heapSizes: readonly number[];
}

/** Lets requests fail and measures the heap. Half get a 503 after two attempts, half get a refused connection. */
export async function measureFailingHeap(origin: string, requests: number): Promise<HeapGrowth> {
  const { Retry, Session } = await import("@holdfast/http");
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("Measuring the heap needs --expose-gc");
  const session = new Session({ retry: Retry.urllib3({ total: 1, statusForcelist: [503], wait: () => 0 }) });
  const unusedUrl = `http://127.0.0.1:${await freePort()}/`;
  const heapSizes: number[] = [];
  let started = 0;
  const client = async (until: number): Promise<void> => {
    while (started < until) {
      started += 1;
      await session.get(started % 2 === 0 ? `${origin}/down` : unusedUrl).catch(() => undefined);
    }
  };
  for (let tenth = 1; tenth <= 10; tenth += 1) {
    await Promise.all(Array.from({ length: 64 }, () => client((requests * tenth) / 10)));
    gc();
    heapSizes.push(process.memoryUsage().heapUsed);
  }
  await session.close();
  return { requests, heapSizes };
}
