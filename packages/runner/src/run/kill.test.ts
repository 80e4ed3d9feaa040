import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { seededRandom } from "@holdfast/policy/testing";
import { LedgerError } from "../ledger/ledger.ts";
import { readResults } from "../output/read-results.ts";
import { readReport } from "../output/read-report.ts";
import { openDatabase } from "@holdfast/http/internal/files";
import { openLedger } from "../sqlite/sqlite-ledger.ts";
import { killedRunLines, killedRunUrl } from "../testing/killed-run.ts";
import { makeRunDirectory } from "../testing/run-directory.ts";

const program = join(import.meta.dirname, "..", "testing", "killed-run.ts");

function start(directory: string): ChildProcess {
  return spawn(process.execPath, ["--conditions=source", program, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Kills a run `delay` ms after its first commit. Returns whether it was still alive. */
async function killAfter(directory: string, delay: number): Promise<boolean> {
  const child = start(directory);
  const exited = once(child, "exit");
  if (child.stdout !== null) await Promise.race([once(child.stdout, "data"), exited]);
  await Promise.race([pause(delay), exited]);
  child.kill("SIGKILL");
  await exited;
  return child.signalCode === "SIGKILL";
}

function integrity(directory: string): unknown {
  const db = openDatabase(join(directory, "ledger.db"), { readOnly: true });
  const row = db.prepare("PRAGMA integrity_check").get();
  db.close();
  return row?.["integrity_check"];
}

describe("a run that is killed", () => {
  it(
    "ends with exactly one result and a complete body for every line after ten kills",
    { timeout: 120_000 },
    async () => {
      const directory = makeRunDirectory();
      const random = seededRandom(7);
      let kills = 0;
      for (let round = 0; round < 10; round += 1) {
        kills += (await killAfter(directory, random() * 40)) ? 1 : 0;
        const { lines, done, failed, skipped, unknown, waiting } = readReport(directory);
        assert.equal(lines, done + failed + skipped + unknown + waiting);
        assert.equal(integrity(directory), "ok");
      }

      const last = start(directory);
      last.stdout?.resume();
      const [code] = await once(last, "exit");

      assert.equal(code, 0);
      assert.ok(kills >= 5, `only ${kills} of 10 kills met a live run`);
      const all = [...readResults(directory)].map(({ line, url, state }) => ({ line, url, state }));
      assert.deepEqual(
        all.map(({ line, url }) => `${line} ${url}`),
        Array.from({ length: killedRunLines }, (_, index) => `${index + 1} ${killedRunUrl(index + 1)}`),
      );
      for (const { url, status, body } of readResults(directory)) {
        if (status !== undefined) assert.equal(Buffer.from(body ?? []).toString(), `${url} `.repeat(100));
      }
      const { done, failed, skipped, waiting, status } = readReport(directory);
      assert.deepEqual(
        { done, failed, skipped, waiting, status },
        { done: 5_340, failed: 600, skipped: 60, waiting: 0, status: "complete" },
      );
    },
  );

  it("releases its lock", { timeout: 30_000 }, async () => {
    const directory = makeRunDirectory();
    const child = start(directory);
    const exited = once(child, "exit");
    if (child.stdout !== null) await once(child.stdout, "data");
    assert.throws(() => openLedger(directory), LedgerError);
    assert.equal(readReport(directory).status, "running");

    child.kill("SIGKILL");
    await exited;

    assert.equal(readReport(directory).status, "interrupted");
    openLedger(directory).close();
  });
});
