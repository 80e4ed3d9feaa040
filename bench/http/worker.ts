import { createInterface } from "node:readline";
import { openBuiltHoldfast } from "./built-holdfast.ts";
import { contestants, retryContestants } from "./contestants.ts";
import type { Get } from "./get.ts";
import { createBody, type Cost, type Work } from "./work.ts";

/** Does the work with one contestant and returns its cost. */
async function perform(get: Get, work: Work): Promise<Cost> {
  const expected = createBody(work.bytes);
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const end = startedAt + work.seconds * 1_000;
  let started = 0;
  const client = async (): Promise<void> => {
    while (started < work.requests && performance.now() < end) {
      started += 1;
      // Every request has a different URL, as in practice, so that no client can reuse a parsed URL.
      const body = await get(`${work.url}?${started}`);
      if (body.length !== expected.length || (work.verify && !expected.equals(body))) {
        throw new Error(
          `Expected a body of ${expected.length} known bytes, got another one of ${body.length} bytes`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: work.concurrency }, client));
  const { user, system } = process.cpuUsage(before);
  return { requests: started, wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1_000 };
}

/** Opens a contestant of a race. In the race "built", the contestant's name is the path of a built clone. */
async function openContestant(race: string, name: string, origin: string): Promise<Get> {
  if (race === "built") return openBuiltHoldfast(name);
  const open = (race === "retrying" ? retryContestants : contestants)[name];
  if (open === undefined) throw new Error(`Unknown contestant "${name}"`);
  return open(origin);
}

/** Reads one `Work` per line of JSON from standard input, and writes one `Cost` per line to standard output. */
async function main([race = "", name = "", origin = ""]: readonly string[]): Promise<void> {
  const get = await openContestant(race, name, origin);
  for await (const line of createInterface({ input: process.stdin })) {
    const cost = await perform(get, JSON.parse(line) as Work);
    process.stdout.write(`${JSON.stringify(cost)}\n`);
  }
  process.exit(0);
}

await main(process.argv.slice(2));
