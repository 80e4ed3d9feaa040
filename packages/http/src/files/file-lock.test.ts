import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FileAccessError, FileBusyError } from "../errors/file-errors.ts";
import { isLocked, lockFile } from "./file-lock.ts";
import { Folder } from "./folder.ts";

const name = "file.lock";
const isRoot = process.platform === "linux" && process.getuid?.() === 0;

async function inFolder(act: (folder: Folder) => Promise<void> | void): Promise<void> {
  const folder = Folder.open(realpathSync(mkdtempSync(join(tmpdir(), "holdfast-lock-"))));
  try {
    await act(folder);
  } finally {
    folder.close();
    rmSync(folder.path, { recursive: true });
  }
}

/** Starts a process that runs `code` with `lock()`, a function that locks the file in the folder. */
function startProcess(folder: Folder, code: string, wrap: readonly string[] = []): ChildProcess {
  const program = `
    import { writeFileSync, unlinkSync } from "node:fs";
    const { lockFile } = await import(${JSON.stringify(join(import.meta.dirname, "file-lock.ts"))});
    const { Folder } = await import(${JSON.stringify(join(import.meta.dirname, "folder.ts"))});
    const path = ${JSON.stringify(folder.path)};
    const lock = () => lockFile(Folder.open(path), ${JSON.stringify(name)});
    ${code}`;
  const args = ["--conditions=source", "--input-type=module", "-e", program];
  const [command = process.execPath, ...before] = [...wrap, ...(wrap.length > 0 ? [process.execPath] : [])];
  return spawn(command, [...before, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

// A lock that nothing refers to is released by the garbage collector.
const holdForever = `globalThis.held = lock(); console.log("locked"); setInterval(() => undefined, 60_000);`;

async function startHolder(folder: Folder, wrap: readonly string[] = []): Promise<ChildProcess> {
  const holder = startProcess(folder, holdForever, wrap);
  assert.ok(holder.stdout !== null);
  await once(holder.stdout, "data");
  return holder;
}

test("one process holds a lock at a time, until it is released", () =>
  inFolder((folder) => {
    const lock = lockFile(folder, name);

    assert.ok(isLocked(folder, name));
    assert.throws(
      () => lockFile(folder, name),
      (error) =>
        error instanceof FileBusyError && (process.platform !== "linux" || error.pid === process.pid),
    );

    lock.release("remove");
    assert.equal(isLocked(folder, name), false);
    assert.deepEqual(readdirSync(folder.path), []);
    lockFile(folder, name).release("keep");
    assert.deepEqual(readdirSync(folder.path), [name]);
  }));

test("a killed process frees its lock, and a stopped process keeps it", () =>
  inFolder(async (folder) => {
    const holder = await startHolder(folder);

    holder.kill("SIGSTOP");
    assert.throws(() => lockFile(folder, name), FileBusyError);
    holder.kill("SIGKILL");
    await once(holder, "close");

    lockFile(folder, name).release("remove");
  }));

const otherContainer = isRoot
  ? "a process of another container with the same host name and pid keeps its lock"
  : "NOT TESTED, because only root can start a container: a process of another container keeps its lock";
test(otherContainer, () =>
  inFolder(async (folder) => {
    if (!isRoot) return;
    // Process ids of another namespace mean nothing here.
    const holder = await startHolder(folder, [
      "unshare",
      "--pid",
      "--uts",
      "--fork",
      "--kill-child",
      "--mount-proc",
    ]);

    assert.throws(() => lockFile(folder, name), FileBusyError);

    holder.kill("SIGKILL");
    await once(holder, "close");
    for (let tries = 0; isLocked(folder, name) && tries < 500; tries += 1)
      await new Promise((resolve) => void setTimeout(resolve, 10));
    lockFile(folder, name).release("remove");
  }),
);

test("processes that take, release and remove a lock many times never hold it together", () =>
  inFolder(async (folder) => {
    const code = `
      const inside = path + "/inside";
      let taken = 0;
      for (let tries = 0; taken < 60; tries += 1) {
        let held;
        try { held = lock(); } catch (error) {
          if (error.code !== "ERR_FILE_BUSY") throw error;
          await new Promise((resolve) => setTimeout(resolve, Math.random()));
          continue;
        }
        writeFileSync(inside, "", { flag: "wx" });
        unlinkSync(inside);
        held.release("remove");
        taken += 1;
      }`;
    const processes = Array.from({ length: 3 }, () => startProcess(folder, code));

    const codes = await Promise.all(processes.map(async (child) => (await once(child, "close"))[0]));

    assert.deepEqual(codes, [0, 0, 0]);
    assert.deepEqual(readdirSync(folder.path), []);
  }));

test("a lock that was removed while it was held is an error, and does not remove the lock of another", () =>
  inFolder((folder) => {
    const lock = lockFile(folder, name);
    unlinkSync(join(folder.path, name));
    const other = lockFile(folder, name);

    assert.throws(() => lock.confirm(), FileBusyError);
    other.confirm();
    lock.release("remove");

    assert.ok(isLocked(folder, name));
    other.release("remove");
  }));

test("a link, a FIFO or a text in the place of the lock is replaced, and not followed or waited for", () =>
  inFolder((folder) => {
    const path = join(folder.path, name);
    const victim = join(folder.path, "victim");
    const places: Readonly<Record<string, () => void>> = {
      "a symbolic link": () => symlinkSync(victim, path),
      "a dangling link": () => symlinkSync(join(folder.path, "nowhere"), path),
      "a hard link": () => linkSync(victim, path),
      "a FIFO": () => void (process.platform === "win32" || execFileSync("mkfifo", [path])),
      "a text": () => writeFileSync(path, `{"pid":1}`),
    };
    for (const [kind, place] of Object.entries(places)) {
      writeFileSync(victim, "precious");
      place();

      lockFile(folder, name).release("keep");

      assert.ok(lstatSync(path).isFile() && lstatSync(path).nlink === 1, kind);
      assert.equal(readFileSync(victim, "utf8"), "precious", kind);
      assert.deepEqual(readdirSync(folder.path).toSorted(), [name, "victim"], kind);
      unlinkSync(path);
    }
  }));

test("a lock has one file, and does not write to files that SQLite would put next to it", () =>
  inFolder((folder) => {
    for (const suffix of ["-journal", "-wal", "-shm"])
      for (const link of [linkSync, symlinkSync]) {
        const victim = join(folder.path, "victim");
        writeFileSync(victim, "precious");
        link(victim, join(folder.path, name + suffix));

        const lock = lockFile(folder, name);
        assert.throws(() => lockFile(folder, name), FileBusyError);
        lock.release("remove");

        assert.equal(readFileSync(victim, "utf8"), "precious", suffix);
        rmSync(join(folder.path, name + suffix), { force: true });
        assert.deepEqual(readdirSync(folder.path), ["victim"], suffix);
      }
  }));

test("a path that is too long for a lock is an error with the limit", () =>
  inFolder((folder) => {
    assert.throws(
      () => lockFile(folder, "x".repeat(600)),
      (error) => error instanceof FileAccessError && /510 bytes/.test(error.message),
    );
  }));

const foreignLock = isRoot
  ? "the lock file of another user is an error"
  : "NOT TESTED, because only root can give a file away: the lock file of another user is an error";
test(foreignLock, () =>
  inFolder((folder) => {
    if (!isRoot) return;
    writeFileSync(join(folder.path, name), "");
    chownSync(join(folder.path, name), 65_534, 65_534);

    assert.throws(
      () => lockFile(folder, name),
      /file\.lock cannot be written: it belongs to another user \(uid 65534\); remove it, or choose another folder/,
    );
  }),
);
