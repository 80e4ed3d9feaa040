import { Retry, Session } from "@holdfast/http";
import { protocolOptions } from "./protocol-options.ts";

/** Makes twenty thousand failing calls. Prints the bytes that the last three quarters of them added to the heap. */
const [url = ""] = process.argv.slice(2);
const session = new Session({
  retry: new Retry({ total: 0, raiseOnStatus: true, statusForcelist: [503] }),
  timeout: { read: "5s" },
  ...protocolOptions,
});
const shared = new AbortController();

async function fail(calls: number): Promise<void> {
  let left = calls;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const path = ["/reset", "/cut", "/busy", "/gzip"][left % 4] ?? "/";
      await session.get(url + path, { signal: shared.signal }).then(
        () => Promise.reject(new Error("It should have failed")),
        () => undefined,
      );
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
}

async function heap(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

await fail(5_000);
const before = await heap();
await fail(15_000);
process.stdout.write(`${(await heap()) - before}\n`);
await session.close();
