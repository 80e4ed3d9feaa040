import { settledHeap } from "./heap.ts";

type Get = (url: string) => Promise<unknown>;

const hour = 3_600_000;
const connections = 64;

/** Clients that retry a 503 after an hour. */
const clients: Readonly<Record<string, () => Promise<Get>>> = {
  holdfast: async () => {
    const { Retry, Session } = await import("@holdfast/http");
    const { unlimited } = await import("@holdfast/policy");
    const session = new Session({
      maxConnections: connections,
      budget: unlimited,
      timeout: { total: "10h" },
      retry: new Retry({ total: 1, statusForcelist: [503], wait: () => hour }),
    });
    return (url) => session.get(url);
  },
  "undici RetryAgent": async () => {
    const { Agent, request, RetryAgent } = await import("undici");
    const dispatcher = new RetryAgent(new Agent({ connections }), {
      maxRetries: 1,
      retry: (_error, _context, proceed) => void setTimeout(() => proceed(null), hour),
    });
    return (url) => request(url, { dispatcher });
  },
  got: async () => {
    const { Agent } = await import("node:http");
    const { default: got } = await import("got");
    const agent = { http: new Agent({ keepAlive: true, maxSockets: connections }) };
    return (url) => got(url, { agent, retry: { limit: 1, calculateDelay: () => hour } }).buffer();
  },
};

/** Prints the bytes of heap that one of `count` requests holds while it waits for its second attempt. */
async function main(name: string, port: string, count: number): Promise<void> {
  const open = clients[name];
  if (open === undefined) throw new Error(`Unknown client "${name}"`);
  const get = await open();
  const waiting: Promise<unknown>[] = Array.from({ length: count });
  const servedBefore = await untilFailed(port, 0);
  // Enough for the code to be compiled.
  const earlier = Array.from({ length: 500 }, () => get(`http://127.0.0.1:${port}/down?earlier`));
  const served = await untilFailed(port, servedBefore + earlier.length);
  const before = await settledHeap();
  for (let index = 0; index < count; index += 1)
    waiting[index] = get(`http://127.0.0.1:${port}/down?${index}`);
  await untilFailed(port, served + count);
  const after = await settledHeap();
  // A request that has ended would hold nothing.
  const ended = await Promise.race([...earlier, ...waiting, Promise.resolve("none")]);
  if (ended !== "none") throw new Error("A request ended in place of waiting");
  console.log((after - before) / count);
  process.exit(0);
}

/** Waits until the origin has sent at least this many 503s. Returns their number. */
async function untilFailed(port: string, count: number): Promise<number> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const response = await fetch(`http://127.0.0.1:${port}/failed`);
    const failed = Number(await response.text());
    if (failed >= count) return failed;
  }
}

const [name = "", port = "", count = ""] = process.argv.slice(2);
await main(name, port, Number(count));
