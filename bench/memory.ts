import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { startChild } from "../test/support/child.ts";
import { freePort } from "../test/support/ports.ts";

const { values: options } = parseArgs({
  options: {
    /** Hosts that a session visits once. */
    hosts: { type: "string", default: "100000" },
    /** Requests that wait for their second attempt. */
    waiting: { type: "string", default: "10000" },
  },
});

const mebibyte = 1024 * 1024;
// A host that is idle leaves an entry in tables of at most ten thousand.
const maxEntryBytes = 1_024;
const maxEntries = 10_000;
const maxHostsBytes = 20 * mebibyte;

const folder = join(import.meta.dirname, "memory");

async function run(program: string, args: readonly string[]): Promise<string> {
  const flags = ["--conditions=source", "--expose-gc", "--no-warnings", join(folder, program)];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, ...args]);
  return stdout.trim();
}

async function printHosts(port: number): Promise<void> {
  console.log("\nHeap after many hosts, more than after 500\n");
  console.log("| each host | hosts | MiB | MiB after close |\n| --- | --: | --: | --: |");
  const many = Number(options.hosts);
  const visits = [
    ["responds 200", "/", port, many],
    ["responds 429 with Retry-After", "/limited", port, many / 5],
    ["refuses the connection", "/refused", await freePort(), many / 5],
  ] as const;
  for (const [name, path, at, hosts] of visits) {
    const { idle, closed } = JSON.parse(await run("hosts.ts", [path, String(at), String(hosts)])) as {
      readonly idle: number;
      readonly closed: number;
    };
    const mebibytes = [idle, closed].map((bytes) => (bytes / mebibyte).toFixed(1));
    console.log(`| ${name} | ${hosts} | ${mebibytes.join(" | ")} |`);
    const most = Math.min(maxHostsBytes, 2 * mebibyte + maxEntryBytes * Math.min(hosts, maxEntries));
    assert.ok(idle < most, `Idle hosts hold ${idle} bytes`);
    assert.ok(closed < 3 * mebibyte, `A closed session holds ${closed} bytes`);
  }
}

async function printWaiting(port: number): Promise<void> {
  console.log(
    `\nHeap of each of ${options.waiting} requests that got a 503 and wait for their second attempt\n`,
  );
  console.log("|  | bytes | × |\n| --- | --: | --: |");
  let reference: number | undefined;
  for (const name of ["holdfast", "undici RetryAgent", "got"]) {
    const bytes = Number(await run("waiting.ts", [name, String(port), options.waiting]));
    reference ??= bytes;
    console.log(
      `| ${name} | ${Math.round(bytes).toLocaleString("en")} | ${(bytes / reference).toFixed(2)} |`,
    );
  }
  assert.ok((reference ?? Infinity) < maxWaitingBytes, `A waiting request holds ${reference} bytes`);
}

// 7,000 before the response was dropped and the waits shared a timer.
const maxWaitingBytes = 4_000;

async function main(): Promise<void> {
  await using origin = await startChild({
    command: process.execPath,
    args: [join(folder, "origin.ts")],
    ready: (log) => (/^\d+\n/.test(log) ? Number.parseInt(log, 10) : undefined),
  });
  await printWaiting(origin.value);
  await printHosts(origin.value);
}

await main();
