import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readlink, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FileBusyError } from "../errors/file-errors.ts";
import { lockFile } from "./lock.ts";

async function inFolder(act: (lock: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-lock-"));
  try {
    await act(join(folder, "file.lock"));
    assert.deepEqual(await readdir(folder), []);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The id of a process that is dead. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "close");
  return child.pid ?? 0;
}

function holder(changes: object): string {
  return JSON.stringify({ pid: process.pid, start: "", host: hostname(), token: "other", ...changes });
}

test("one process holds a lock at a time, until it is released", () =>
  inFolder(async (path) => {
    const lock = await lockFile(path);

    await assert.rejects(
      lockFile(path),
      (error) => error instanceof FileBusyError && error.pid === process.pid,
    );

    await lock.release();
    await (await lockFile(path)).release();
  }));

test("takes over the lock of a dead process, and of an earlier process with the same pid", () =>
  inFolder(async (path) => {
    for (const left of [holder({ pid: await deadPid() }), holder({ start: "1" }), "torn {"]) {
      await symlink(left, path);
      await (await lockFile(path)).release();
      await writeFile(path, left);
      await (await lockFile(path)).release();
    }
  }));

test("keeps the lock of another machine, and the message says how to remove it", () =>
  inFolder(async (path) => {
    await symlink(holder({ host: "elsewhere", pid: await deadPid() }), path);

    await assert.rejects(lockFile(path), /elsewhere.*remove .*file\.lock/);

    await unlink(path);
  }));

test("gives a dead process's lock to one of many that find it", () =>
  inFolder(async (path) => {
    await symlink(holder({ pid: await deadPid() }), path);

    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockFile(path)));

    const got = results.filter((result) => result.status === "fulfilled");
    assert.equal(got.length, 1);
    await got[0]?.value.release();
  }));

test("the previous holder does not release a lock that was taken over", () =>
  inFolder(async (path) => {
    const lock = await lockFile(path);
    await unlink(path);
    const other = await lockFile(path);

    await assert.rejects(lock.confirm(), FileBusyError);
    await other.confirm();
    await lock.release();

    assert.match(await readlink(path), /token/);
    await other.release();
  }));
