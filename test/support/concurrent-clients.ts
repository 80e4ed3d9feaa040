import { setTimeout as sleep } from "node:timers/promises";
import type { Session } from "@holdfast/http";

/** Lets so many clients of one session ask again and again, each a URL of its own, until the time is over. */
export async function runClients(
  session: Session,
  { url, clients, ms }: { readonly url: string; readonly clients: number; readonly ms: number },
): Promise<void> {
  const over = new AbortController();
  const client = async (index: number): Promise<void> => {
    for (let turn = 0; !over.signal.aborted; turn += 1)
      await session.get(`${url}/${index}/${turn}`, { signal: over.signal }).catch((error: unknown) => {
        if (!over.signal.aborted) throw error;
      });
  };
  const all = Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  await Promise.race([sleep(ms), all]);
  over.abort();
  await all;
}
