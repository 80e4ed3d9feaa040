import { Session } from "@holdfast/http";
import { protocolOptions } from "./protocol-options.ts";

/** Reads a large body slowly. Prints the received bytes and the growth of the memory. */
const [url = ""] = process.argv.slice(2);
const session = new Session(protocolOptions);
const response = await session.get(url, { stream: true });
let [bytes, pieces, first, most] = [0, 0, 0, 0];

/** Returns the memory in use after a garbage collection. */
function held(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

for await (const piece of response.body) {
  bytes += piece.length;
  pieces += 1;
  if (pieces % 100 !== 0) continue;
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (first === 0) first = held();
  else most = Math.max(most, held());
}
process.stdout.write(`${bytes} ${most - first}`);
await session.close();
