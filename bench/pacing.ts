import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Session } from "@holdfast/http";
import { bucket, fixedWindow, limitedOrigin, slidingLog, type SimulatedServer } from "@holdfast/http/testing";
import { playLimiter, shortcoming } from "../test/limiters/play.ts";
import { limiters } from "../test/limiters/servers.mjs";
import { runClients } from "../test/support/concurrent-clients.ts";
import { nginx } from "../test/support/nginx.ts";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";

console.log("| limiter: 20 requests per 2 s, 100 calls at once | time / ideal | requests sent | 200 |");
console.log("| --- | --: | --: | --: |");
for (const name of Object.keys(limiters)) {
  const play = await playLimiter(name);
  console.log(`| ${name} | ${play.ratio.toFixed(2)} | ${play.sent} | ${play.ok} |`);
  const lacks = shortcoming(play);
  if (lacks === undefined) continue;
  console.error(`✖ ${lacks}`);
  process.exitCode = 1;
}
console.log();

const { values } = parseArgs({ options: { seconds: { type: "string", default: "20" } } });
const ms = Number(values.seconds) * 1_000;
const clients = 100;
const ten = { requests: 10, window: 1_000 };

const servers: readonly (readonly [name: string, limit: SimulatedServer])[] = [
  ["fixed window, Retry-After", fixedWindow(ten, (_left, until) => ({ delay: until }))],
  ["sliding window, Retry-After", slidingLog(ten, { delay: 1_000 })],
  ["token bucket of 10, Retry-After", bucket(ten, 10, { delay: 1_000 })],
  ["token bucket of 50, Retry-After", bucket(ten, 50, { delay: 1_000 })],
  [
    "fixed window, RateLimit and policy",
    fixedWindow(ten, (left, until) => ({
      limit: ten,
      spent: left === 0,
      ...(left <= 0 && { delay: until }),
    })),
  ],
  ["fixed window, 429 alone", fixedWindow(ten, () => ({}))],
];

const percent = (part: number, whole: number): string =>
  `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;

console.log(
  "| server that allows 10 requests per second | refused after the first second | share of the allowance that was used |",
);
console.log("| --- | --: | --: |");
for (const [name, limit] of servers) {
  await using origin = await limitedOrigin(limit);
  await using session = new Session();
  await runClients(session, { url: origin.url, clients, ms });
  const { accepted, refused } = origin.counts(1_000, ms);
  const all = origin.counts(0, ms).accepted;
  console.log(`| ${name} | ${percent(refused, accepted + refused)} | ${percent(all, ms / 100)} |`);
}

await using root = await temporaryDirectory("pacing");
await writeFile(join(root.path, "page"), "welcome");
await using server = await nginx({
  root: root.path,
  conf: "location / { limit_req zone=ten burst=5 nodelay; limit_req_status 429; try_files /page =404; }",
  httpConf: "limit_req_zone $binary_remote_addr zone=ten:1m rate=10r/s;",
});
await using session = new Session();
await runClients(session, { url: server.url, clients, ms });
const requests = await server.seen();
const refused = requests.filter(({ status }) => status === 429).length;
console.log(
  `| nginx, limit_req burst=5, the whole time | ${percent(refused, requests.length)} | ${percent(requests.length - refused, ms / 100)} |`,
);
