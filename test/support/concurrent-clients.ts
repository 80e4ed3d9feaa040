import { setTimeout as sleep } from "node:timers/promises";
import type { Session } from "@holdfast/http";

/** Lets `clients` clients share a session and send requests in a loop for `ms` milliseconds, each to a different URL. */
export async function runClients(
  session: Session,
  { url, clients, ms }: { readonly url: string; readonly clients: number; readonly ms: number },
): Promise<void> {
  const end = new AbortController();
  const client = async (index: number): Promise<void> => {
    for (let count = 0; !end.signal.aborted; count += 1)
      await session.get(`${url}/${index}/${count}`, { signal: end.signal }).catch((error: unknown) => {
        if (!end.signal.aborted) throw error;
      });
  };
  const all = Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  await Promise.race([sleep(ms), all]);
  end.abort();
  await all;
}
