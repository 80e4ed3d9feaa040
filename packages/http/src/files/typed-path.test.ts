import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FileAccessError } from "../errors/file-errors.ts";
import { checkDirect, isDirect, resolveTypedPath } from "./typed-path.ts";

const isRoot = process.platform === "linux" && process.getuid?.() === 0;

function inFolder(act: (path: string) => void): void {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-typed-")));
  try {
    act(path);
  } finally {
    rmSync(path, { recursive: true });
  }
}

test("links of this user are followed, also dangling ones, and links to links", () =>
  inFolder((path) => {
    mkdirSync(join(path, "real"));
    writeFileSync(join(path, "real", "file"), "");
    symlinkSync("real", join(path, "folder"));
    symlinkSync("folder/file", join(path, "link"));
    symlinkSync(join(path, "link"), join(path, "second"));
    symlinkSync("../real/new", join(path, "real", "dangling"));

    const table: readonly (readonly [string, string, boolean])[] = [
      ["real/file", "real/file", true],
      ["folder/file", "real/file", true],
      ["link", "real/file", true],
      ["second", "real/file", true],
      ["folder/dangling", "real/new", false],
      ["missing", "missing", false],
      ["missing/file", "missing/file", false],
      ["real/file/below", "real/file/below", false],
    ];
    for (const [named, resolved, exists] of table) {
      const { path: found, stats } = resolveTypedPath(join(path, named));
      assert.deepEqual([found, stats !== undefined], [join(path, resolved), exists], named);
    }
  }));

test("a circle of links is an error", () =>
  inFolder((path) => {
    if (process.platform === "win32") return;
    symlinkSync("two", join(path, "one"));
    symlinkSync("one", join(path, "two"));

    assert.throws(() => resolveTypedPath(join(path, "one")), /too many symbolic links/);
  }));

test(
  isRoot
    ? "links of another user are not followed, at the end of a path or in it"
    : "NOT TESTED, because only root can give a link away: links of another user are not followed",
  () =>
    inFolder((path) => {
      if (!isRoot) return;
      mkdirSync(join(path, "real"));
      writeFileSync(join(path, "real", "file"), "");
      for (const [name, target] of [
        ["link", "real/file"],
        ["folder", "real"],
        ["dangling", "real/new"],
      ] as const) {
        symlinkSync(target, join(path, name));
        lchownSync(join(path, name), 65_534, 65_534);
      }

      for (const named of ["link", "folder/file", "dangling"])
        assert.throws(
          () => resolveTypedPath(join(path, named)),
          /the symbolic link .* belongs to another user \(uid 65534\), and is not followed; name its target/,
          named,
        );
    }),
);

test(
  isRoot
    ? "a link to a file of another user is not followed, and the file itself may be named"
    : "NOT TESTED, because only root can give a file away: a link to a file of another user is not followed",
  () =>
    inFolder((path) => {
      if (!isRoot) return;
      writeFileSync(join(path, "file"), "");
      lchownSync(join(path, "file"), 65_534, 65_534);
      symlinkSync("file", join(path, "link"));

      assert.throws(() => resolveTypedPath(join(path, "link")), /its target .*file belongs to another user/);
      assert.equal(resolveTypedPath(join(path, "file")).path, join(path, "file"));
    }),
);

test("FIFOs, devices and open files are written directly; folders, sockets and other users' FIFOs are refused", () =>
  inFolder((path) => {
    if (process.platform === "win32") return;
    execFileSync("mkfifo", [join(path, "fifo")]);
    writeFileSync(join(path, "file"), "");
    const fd = openSync(join(path, "file"), "w");

    const direct = [
      "/dev/null",
      join(path, "fifo"),
      ...(process.platform === "linux" ? [`/proc/self/fd/${fd}`, `/dev/fd/${fd}`] : []),
    ];
    for (const named of direct) {
      const target = resolveTypedPath(named);
      assert.ok(isDirect(target), named);
      checkDirect(target);
    }
    assert.equal(isDirect(resolveTypedPath(join(path, "file"))), false);
    assert.throws(() => checkDirect(resolveTypedPath(path)), TypeError);
    if (isRoot) {
      lchownSync(join(path, "fifo"), 65_534, 65_534);
      assert.throws(() => checkDirect(resolveTypedPath(join(path, "fifo"))), FileAccessError);
    }
    closeSync(fd);
  }));
