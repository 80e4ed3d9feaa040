import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import { createReadStream, statSync } from "node:fs";
import { mkdir, open, readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "@holdfast/policy/testing";
import { runProgram } from "./support/child.ts";
import { nginx, type Nginx } from "./support/nginx.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const megabyte = 1024 * 1024;
const size = 200 * megabyte;
const kills = 5;
/** What is left to come at the last kill: half a second, so that a busy machine does not miss it. */
const margin = 30 * megabyte;
/** What may come over the wire for one file and five kills, as a share of the file. */
const mostTraffic = 1.1;
const program = ["--conditions=source", join(import.meta.dirname, "programs", "download.ts")];

/** Writes a file of random bytes, and gives its SHA-256. */
async function randomFile(path: string, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  const piece = Buffer.alloc(megabyte);
  const file = await open(path, "w");
  for (let written = 0; written < bytes; written += piece.length) {
    hash.update(randomFillSync(piece));
    await file.write(piece);
  }
  await file.close();
  return hash.digest("hex");
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Kills the process once the file has that many bytes; whether it was alive to be killed. */
async function killAt(child: ChildProcess, path: string, bytes: number): Promise<boolean> {
  const closed = once(child, "close");
  const limit = performance.now() + 30_000;
  while (child.exitCode === null && sizeOf(path) < bytes && performance.now() < limit) await sleep(1);
  child.kill("SIGKILL");
  await closed;
  return child.signalCode === "SIGKILL";
}

/** The traffic of all requests that have ended; nginx notes an aborted one when it finds out. */
async function trafficOf(server: Nginx, requests: number): Promise<number> {
  const limit = performance.now() + 10_000;
  for (;;) {
    const seen = await server.seen();
    if (seen.length >= requests || performance.now() > limit) {
      assert.equal(seen.length, requests);
      return seen.reduce((sum, { bytes }) => sum + bytes, 0);
    }
    await sleep(20);
  }
}

for (const [etags, conf] of Object.entries({ "a strong tag": "", "an old date alone": "etag off;" })) {
  test(`a download of 200 MB with ${etags} from nginx is exact after five kills, and costs at most 1.1 times its bytes`, async (t) => {
    await using folder = await temporaryDirectory("download");
    const served = join(folder.path, "served");
    await mkdir(served);
    const expected = await randomFile(join(served, "big.iso"), size);
    // A date is a validator only when it has settled.
    await utimes(join(served, "big.iso"), 1_600_000_000, 1_600_000_000);
    await using server = await nginx({ root: served, conf: `limit_rate 40m; ${conf}` });
    const file = join(folder.path, "big.iso");
    const args = [...program, `${server.url}/big.iso`, file, `sha-256=${expected}`];
    const random = seededRandom(performance.timeOrigin + performance.now());
    const moments = Array.from({ length: kills }, () => 1 + random() * (size - margin)).toSorted(
      (a, b) => a - b,
    );
    t.diagnostic(`killed at ${moments.map((moment) => Math.round(moment / megabyte)).join(", ")} MB`);

    for (const moment of moments) {
      const child = spawn(process.execPath, args, { stdio: "ignore" });
      assert.ok(await killAt(child, `${file}.part`, moment), "It was done before it could be killed");
    }
    const { code, stdout, stderr } = await runProgram(process.execPath, args);

    assert.equal(code, 0, stderr);
    const { bytes, resumedFrom } = JSON.parse(stdout) as { bytes: number; resumedFrom: number };
    assert.equal(bytes, size);
    assert.ok(resumedFrom >= (moments.at(-1) ?? 0), "What was there came again");
    assert.equal(await sha256Of(file), expected);
    assert.deepEqual((await readdir(folder.path)).toSorted(), ["big.iso", "served"]);
    const traffic = await trafficOf(server, kills + 1);
    t.diagnostic(`${(traffic / size).toFixed(4)} times the file came over the wire`);
    assert.ok(traffic <= mostTraffic * size, `${traffic} bytes for ${size}`);
  });
}

test("a download from a network faster than the disk does not fill the memory", async (t) => {
  await using folder = await temporaryDirectory("download");
  const served = join(folder.path, "served");
  await mkdir(served);
  const expected = await randomFile(join(served, "big.iso"), 2 * size);
  await using server = await nginx({ root: served });
  const args = [...program, `${server.url}/big.iso`, join(folder.path, "big.iso"), `sha-256=${expected}`];

  const { stdout, stderr } = await runProgram(process.execPath, args);

  const { peakBytes } = JSON.parse(stdout) as { peakBytes: number };
  t.diagnostic(`${Math.round(peakBytes / megabyte)} MB of memory for ${(2 * size) / megabyte} MB, ${stderr}`);
  assert.ok(peakBytes < size, `${peakBytes} bytes of memory`);
});

test("a download that is killed at its start several times leaves nothing that disturbs a later one", async () => {
  await using folder = await temporaryDirectory("download");
  const served = join(folder.path, "served");
  await mkdir(served);
  const expected = await randomFile(join(served, "big.iso"), 4 * megabyte);
  await using server = await nginx({ root: served });
  const file = join(folder.path, "big.iso");
  const args = [...program, `${server.url}/big.iso`, file, `sha-256=${expected}`];
  const random = seededRandom(performance.timeOrigin);

  for (let kill = 0; kill < 15; kill += 1) {
    const child = spawn(process.execPath, args, { stdio: "ignore" });
    const limit = performance.now() + 30_000;
    // From the first trace of it on, which is its lock.
    while (child.exitCode === null && performance.now() < limit) {
      if ((await readdir(folder.path)).length > 1) break;
      await sleep(1);
    }
    const closed = once(child, "close");
    await sleep(random() * 15);
    child.kill("SIGKILL");
    await closed;
    if (sizeOf(file) > 0) assert.equal(await sha256Of(file), expected);
    await rm(file, { force: true });
  }
  const { code, stderr } = await runProgram(process.execPath, args);

  assert.equal(code, 0, stderr);
  assert.equal(await sha256Of(file), expected);
  const left = (await readdir(folder.path)).filter((name) => !["big.iso", "served"].includes(name));
  assert.deepEqual(left, []);
});
