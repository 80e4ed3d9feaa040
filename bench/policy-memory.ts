import { contestants } from "./policy-contestants.ts";

const calls = 100_000;
const delay = 3_600_000;
const error = new Error("failed");

/** Prints the bytes of heap that one call of a contestant holds while it waits for its second attempt. */
async function main(name: string): Promise<void> {
  const run = contestants[name]?.(async () => {
    throw error;
  }, delay);
  if (run === undefined || global.gc === undefined)
    throw new Error(`Needs --expose-gc and the name of a contestant, got "${name}"`);
  const waiting: Promise<unknown>[] = Array.from({ length: calls });
  void run();
  await collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < calls; index += 1) waiting[index] = run();
  await collectGarbage();
  console.log((process.memoryUsage().heapUsed - before) / waiting.length);
  process.exit(0);
}

async function collectGarbage(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  global.gc?.();
}

await main(process.argv[2] ?? "");
