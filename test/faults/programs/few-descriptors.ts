/*
 * Sends requests to many origins, and then to more at the same time than the process has file descriptors for beside its idle
 * connections. Prints the number of responses, of attempts, and of the errors.
 */
import { closeSync, openSync } from "node:fs";
import { Session } from "@holdfast/http";

const [port, before, atOnce] = process.argv.slice(2).map(Number);
await using session = new Session({ trustEnvironment: false });

async function get(number: number): Promise<number> {
  // Each address of loopback is an origin of its own.
  return (await session.get(`http://127.0.0.${number + 1}:${port}/`)).attempts.length;
}

// A first connection loads all that opens files.
await get(1);
for (let number = 0; number < (before ?? 0); number += 1) await get(number);
const taken: number[] = [];
try {
  for (;;) taken.push(openSync("/dev/null", "r"));
} catch {
  // No descriptor is left.
}
for (const one of taken.splice(0, 3)) closeSync(one);
const results = await Promise.allSettled(
  Array.from({ length: atOnce ?? 0 }, (_, number) => get(100 + number)),
);
for (const one of taken) closeSync(one);
const attempts = results.map((result) =>
  result.status === "fulfilled" ? result.value : String(result.reason),
);
console.log(JSON.stringify(attempts));
