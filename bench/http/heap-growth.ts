import { freePort } from "../../test/support/ports.ts";

/** What a session's heap weighs while its requests fail. */
export interface HeapGrowth {
  readonly requests: number;
  /** Bytes after each tenth of the requests and a garbage collection. */
  readonly weights: readonly number[];
}

/** Lets requests fail, half of them by a 503 after two attempts and half because nobody listens, and weighs the heap. */
export async function measureFailingHeap(origin: string, requests: number): Promise<HeapGrowth> {
  const { Retry, Session } = await import("@holdfast/http");
  const { gc } = globalThis;
  if (gc === undefined) throw new Error("The heap can be weighed under --expose-gc alone");
  const session = new Session({ retry: new Retry({ total: 1, statusForcelist: [503], wait: () => 0 }) });
  const nobody = `http://127.0.0.1:${await freePort()}/`;
  const weights: number[] = [];
  let begun = 0;
  const lane = async (until: number): Promise<void> => {
    while (begun < until) {
      begun += 1;
      await session.get(begun % 2 === 0 ? `${origin}/down` : nobody).catch(() => undefined);
    }
  };
  for (let tenth = 1; tenth <= 10; tenth += 1) {
    await Promise.all(Array.from({ length: 64 }, () => lane((requests * tenth) / 10)));
    gc();
    weights.push(process.memoryUsage().heapUsed);
  }
  await session.close();
  return { requests, weights };
}
