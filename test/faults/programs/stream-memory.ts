import { Session } from "@holdfast/http";

/** Reads a large body slowly; says how much came and how far the memory rose while it did. */
const [url = ""] = process.argv.slice(2);
const session = new Session();
const response = await session.get(url, { stream: true });
let [bytes, pieces, most] = [0, 0, 0];
let before = 0;
for await (const piece of response.body) {
  bytes += piece.length;
  pieces += 1;
  if (pieces % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  if (pieces === 100) before = process.memoryUsage().rss;
  if (pieces > 100) most = Math.max(most, process.memoryUsage().rss);
}
process.stdout.write(JSON.stringify({ bytes, rise: most - before }));
await session.close();
