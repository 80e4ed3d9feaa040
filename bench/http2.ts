import { randomBytes } from "node:crypto";
import { connect, type ClientHttp2Session } from "node:http2";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Session } from "@holdfast/http";
import { certificates } from "../test/support/certificates.ts";
import { nginx } from "../test/support/nginx.ts";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { median } from "./http/race.ts";

/*
 * GETs with one origin over TLS: the built session over HTTP/2, the same over HTTP/1.1, and a bare node:http2 client without a
 * session. All run in turn in every round.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    concurrency: { type: "string", default: "64" },
  },
});

const sizes = { "/1k": 1024, "/100k": 100 * 1024 } as const;
const requests: Readonly<Record<string, number>> = { "/1k": 4_000, "/100k": 800 };

type Get = (path: string) => Promise<unknown>;

/** The cost of one request, in microseconds. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

async function measure(get: Get, path: string): Promise<Cost> {
  const count = requests[path] ?? 0;
  let left = count;
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await get(path);
    }
  };
  await Promise.all(Array.from({ length: Number(options.concurrency) }, work));
  const { user, system } = process.cpuUsage(before);
  return { wall: ((performance.now() - startedAt) * 1_000) / count, cpu: (user + system) / count };
}

function getBare(session: ClientHttp2Session, path: string): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    session
      .request({ ":path": path }, { endStream: true })
      .on("data", (piece: Buffer) => pieces.push(piece))
      .on("end", () => resolve(pieces))
      .on("error", reject);
  });
}

await using site = await temporaryDirectory("http2-bench");
await chmod(site.path, 0o755);
for (const [path, size] of Object.entries(sizes))
  await writeFile(join(site.path, path), randomBytes(size / 2).toString("hex"));
const { good, ca } = await certificates();
await using server = await nginx({
  root: site.path,
  certificate: good,
  http2: true,
  conf: "access_log off; keepalive_requests 100000000;",
});
const tls = { ca: ca.cert };
await using overHttp1 = new Session({ http2: false, tls });
await using overHttp2 = new Session({ http2: true, tls });
const bare = connect(server.url, { ca: ca.cert, settings: { initialWindowSize: 1024 * 1024 } });
bare.once("connect", () => bare.setLocalWindowSize(16 * 1024 * 1024));

const contestants: Readonly<Record<string, Get>> = {
  "the session over HTTP/1.1": (path) => overHttp1.get(server.url + path),
  "the session over HTTP/2": (path) => overHttp2.get(server.url + path),
  "bare node:http2": (path) => getBare(bare, path),
};

console.log("| path | | µs | × | µs of CPU | × |\n|---|---|--:|--:|--:|--:|");
for (const path of Object.keys(sizes)) {
  const costs = new Map<string, Cost[]>(Object.keys(contestants).map((name) => [name, []]));
  for (const get of Object.values(contestants)) await measure(get, path);
  for (let round = 0; round < Number(options.rounds); round += 1)
    for (const [name, get] of Object.entries(contestants)) costs.get(name)?.push(await measure(get, path));
  const base = costs.get("the session over HTTP/1.1") ?? [];
  for (const [name, own] of costs) {
    const ratio = (kind: keyof Cost): string =>
      median(own.map((cost, at) => (base[at]?.[kind] ?? NaN) / cost[kind])).toFixed(2);
    const value = (kind: keyof Cost): string => median(own.map((cost) => cost[kind])).toFixed(0);
    console.log(
      `| ${path} | ${name} | ${value("wall")} | ${ratio("wall")} | ${value("cpu")} | ${ratio("cpu")} |`,
    );
  }
}
bare.close();
