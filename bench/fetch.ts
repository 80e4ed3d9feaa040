// Compares `createFetch`, with all of its defaults, with the platform's fetch. A ratio above 1 means that `createFetch` is faster.
import { parseArgs } from "node:util";
import { startOrigin } from "./http/origin.ts";
import { race, ratio } from "./http/race.ts";
import { nodeWorker } from "./http/start-worker.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    seconds: { type: "string", default: "0.4" },
    paths: { type: "string", default: "/1k,/20k,/100k" },
    concurrency: { type: "string", default: "1,64" },
  },
});
const sizes: Readonly<Record<string, number>> = { "/1k": 1, "/20k": 20, "/100k": 100 };

await using origin = await startOrigin();
await using stack = new AsyncDisposableStack();
const workers = ["createFetch", "fetch"].map((name) => stack.use(nodeWorker("plain", name, origin.url)));
console.log("| body | in flight | rate | processor time |");
console.log("|---|--:|--:|--:|");
for (const path of values.paths.split(","))
  for (const concurrency of values.concurrency.split(",").map(Number)) {
    const bytes = (sizes[path] ?? 0) * 1024;
    const work = {
      url: origin.url + path,
      bytes,
      concurrency,
      requests: 1e9,
      seconds: Number(values.seconds),
    };
    const [ours, platform] = await race(workers, { ...work, verify: false }, Number(values.rounds));
    if (ours === undefined || platform === undefined) throw new Error("A contestant is missing");
    const rate = (1 / ratio(ours, platform, "wallMs")).toFixed(2);
    const time = ratio(ours, platform, "cpuMs").toFixed(2);
    console.log(`| ${path} | ${concurrency} | ${rate} × | ${time} × |`);
  }
