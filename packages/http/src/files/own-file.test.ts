import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Folder } from "./folder.ts";
import { createFile, openOwnFile, takeOverFile } from "./own-file.ts";
import { readNewFileMode } from "./umask.ts";

const isRoot = process.platform === "linux" && process.getuid?.() === 0;
const isWindows = process.platform === "win32";

function inFolder(act: (folder: Folder, path: string) => void): void {
  const folder = Folder.open(realpathSync(mkdtempSync(join(tmpdir(), "holdfast-own-"))));
  try {
    act(folder, folder.path);
  } finally {
    folder.close();
    rmSync(folder.path, { recursive: true });
  }
}

function withUmask<T>(umask: number, act: () => T): T {
  const before = process.umask(umask);
  try {
    return act();
  } finally {
    process.umask(before);
  }
}

const modeOf = (path: string): number => lstatSync(path).mode & 0o777;

test("a file that is created has exactly its permissions, whatever the umask", () =>
  inFolder((folder, path) => {
    if (isWindows) return;
    for (const umask of [0, 0o022, 0o077, 0o277, 0o777])
      for (const mode of [0o600, 0o640, 0o666]) {
        closeSync(withUmask(umask, () => createFile(folder, "file", mode)));

        assert.equal(modeOf(join(path, "file")), mode, umask.toString(8));
        folder.unlink("file");
      }
  }));

test("the permissions of a new file follow the umask, also where the system does not tell it", () =>
  inFolder((folder) => {
    if (isWindows) return;
    for (const umask of [0, 0o027, 0o077]) {
      const modes = withUmask(umask, () => [
        readNewFileMode(folder),
        (folder.createProbe()?.mode ?? 0) & 0o777,
      ]);
      assert.deepEqual(modes, [0o666 & ~umask, 0o666 & ~umask]);
    }
  }));

const kinds: Readonly<Record<string, (path: string, victim: string) => void>> = {
  "a symbolic link": (path, victim) => symlinkSync(victim, path),
  "a dangling link": (path, victim) => symlinkSync(`${victim}-2`, path),
  "a link to a folder": (path) => symlinkSync(tmpdir(), path),
  "a hard link": (path, victim) => linkSync(victim, path),
  "a FIFO": (path) => void execFileSync("mkfifo", [path]),
  ...(isRoot && {
    "a device": (path) => void execFileSync("mknod", [path, "c", "1", "7"]),
    "a file of another user": (path) => {
      writeFileSync(path, "made up");
      chownSync(path, 65_534, 65_534);
    },
  }),
};

for (const [kind, make] of isWindows ? [] : Object.entries(kinds)) {
  test(`${kind} is not opened as an own file, and is replaced by a new file`, () =>
    inFolder((folder, path) => {
      const victim = join(path, "victim");
      writeFileSync(victim, "precious");
      make(join(path, "file"), victim);

      const found = openOwnFile(folder, "file", constants.O_RDWR);
      closeSync(takeOverFile(folder, "file"));

      assert.ok(typeof found === "object" && "foreign" in found, kind);
      const after = lstatSync(join(path, "file"));
      assert.deepEqual(
        [after.isFile(), after.nlink, after.size, after.uid],
        [true, 1, 0, process.geteuid?.()],
      );
      assert.equal(readFileSync(victim, "utf8"), "precious");
      assert.equal(existsSync(`${victim}-2`), false);
    }));
}

if (!isRoot) test("NOT TESTED, because only root can: devices and files of other users", () => undefined);

test("an own file is taken over with its bytes and its permissions", () =>
  inFolder((folder, path) => {
    writeFileSync(join(path, "file"), "bytes");
    chmodSync(join(path, "file"), 0o640);

    closeSync(takeOverFile(folder, "file"));

    assert.equal(readFileSync(join(path, "file"), "utf8"), "bytes");
    if (!isWindows) assert.equal(modeOf(join(path, "file")), 0o640);
  }));

test("a folder in the place of a file is an error that names it", () =>
  inFolder((folder, path) => {
    mkdirSync(join(path, "file"));

    assert.throws(
      () => takeOverFile(folder, "file"),
      /file cannot be written: it is a folder; remove it, or choose another folder/,
    );
  }));
