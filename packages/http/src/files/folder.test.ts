import assert from "node:assert/strict";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FileAccessError } from "../errors/file-errors.ts";
import { Folder } from "./folder.ts";
import { createFile } from "./own-file.ts";

const isLinux = process.platform === "linux";

function inFolder(act: (path: string) => void): void {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-folder-")));
  try {
    act(path);
  } finally {
    rmSync(path, { recursive: true });
  }
}

/** Moves `folder` away, and puts a link to `victim` in its place. */
function redirect(folder: string, victim: string): void {
  renameSync(folder, `${folder}-moved`);
  symlinkSync(victim, folder);
}

test("entries of an open folder stay in it when its path is redirected", () =>
  inFolder((path) => {
    const [own, victim] = [join(path, "own"), join(path, "victim")];
    mkdirSync(own);
    mkdirSync(victim);
    const folder = Folder.open(own);

    redirect(own, victim);

    assert.throws(() => folder.confirm(), FileAccessError);
    if (isLinux) {
      closeSync(createFile(folder, "file"));
      assert.deepEqual(readdirSync(`${own}-moved`), ["file"]);
      assert.equal(folder.findPath(), `${own}-moved`);
    } else assert.throws(() => createFile(folder, "file"), FileAccessError);
    assert.deepEqual(readdirSync(victim), []);
    folder.close();
  }));

test("a folder behind a link is not opened", () =>
  inFolder((path) => {
    mkdirSync(join(path, "victim", "sub"), { recursive: true });
    symlinkSync(join(path, "victim"), join(path, "link"));
    const folder = Folder.open(path);

    assert.throws(() => Folder.open(join(path, "link")), /symbolic link is in its place/);
    assert.throws(() => folder.openFolder("link"), /symbolic link is in its place/);
    if (isLinux) assert.throws(() => Folder.open(join(path, "link", "sub")), /symbolic link is in its place/);
    folder.close();
  }));

test("errors of the system name the path, and not the handle", () =>
  inFolder((path) => {
    const folder = Folder.open(path);

    assert.throws(
      () => folder.rename("nothing", "else"),
      (error) => {
        assert.ok(error instanceof Error);
        return error.message.includes(join(path, "nothing")) && !error.message.includes("/proc/");
      },
    );
    folder.close();
  }));

test("a folder is created with exactly its permissions, and an existing one keeps its own", () =>
  inFolder((path) => {
    if (process.platform === "win32") return;
    const folder = Folder.open(path);
    const modeOf = (name: string): number => statSync(join(path, name)).mode & 0o777;

    for (const umask of [0, 0o077, 0o777]) {
      const before = process.umask(umask);
      try {
        folder.createFolder(`new-${umask}`, 0o750).close();
      } finally {
        process.umask(before);
      }
      assert.equal(modeOf(`new-${umask}`), 0o750);
    }
    folder.createFolder("new-0", 0o700).close();
    assert.equal(modeOf("new-0"), 0o750);
    folder.close();
  }));
