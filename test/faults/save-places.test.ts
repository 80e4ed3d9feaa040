import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  constants,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { DigestError, DiskFullError, FileAccessError } from "@holdfast/http";
import { cut, respond } from "@holdfast/http/testing";
import { isRoot, otherUser, testAsRoot } from "../support/root.ts";
import { body, cutAt, first, good } from "./broken-page.ts";
import { code, failureOf, holds, type Setting, setting } from "./save-stage.ts";

const once0 = { retry: { total: 0 } };
const derived = ["file.bin.part", "file.bin.part.json", "file.bin.part.json.new", "file.bin.part.lock"];

function withUmask<T>(umask: number, act: () => Promise<T>): Promise<T> {
  const before = process.umask(umask);
  return act().finally(() => process.umask(before));
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

const kinds: Readonly<Record<string, (path: string, victim: string) => void>> = {
  "a symbolic link": (path, victim) => symlinkSync(victim, path),
  "a dangling symbolic link": (path, victim) => symlinkSync(`${victim}-2`, path),
  "a hard link": (path, victim) => linkSync(victim, path),
  "a FIFO": (path) => void execFileSync("mkfifo", [path]),
  ...(isRoot && { "a device": (path: string) => void execFileSync("mknod", [path, "c", "1", "7"]) }),
};

for (const [kind, make] of Object.entries(kinds)) {
  for (const name of derived) {
    test(`${kind} in the place of ${name} is not followed and not waited for, and the file is saved`, async () => {
      await using at = await setting([good]);
      const victim = join(at.folder, "..", `victim-${process.pid}`);
      writeFileSync(victim, "precious");
      try {
        make(join(at.folder, name), victim);

        await at.save({ timeout: { total: "5s" } });

        await holds(at);
        assert.equal(readFileSync(victim, "utf8"), "precious");
        assert.throws(() => lstatSync(`${victim}-2`), { code: "ENOENT" });
      } finally {
        unlinkSync(victim);
      }
    });
  }
}

testAsRoot("a part or a sidecar of another user is not continued", async () => {
  for (const names of [["file.bin.part"], ["file.bin.part.json"], ["file.bin.part", "file.bin.part.json"]]) {
    await using at = await setting([first, good], once0);
    await failureOf(at.save());
    for (const name of names) chownSync(join(at.folder, name), otherUser, otherUser);

    const { resumedFrom } = await at.save();

    assert.equal(resumedFrom, 0, names.join());
    await holds(at);
  }
});

test("a part with a second name is not continued, and the other name keeps its bytes", async () => {
  await using at = await setting([first, good], once0);
  await failureOf(at.save());
  linkSync(`${at.file}.part`, join(at.folder, "other"));

  const { resumedFrom } = await at.save();

  assert.equal(resumedFrom, 0);
  assert.ok(body.equals(readFileSync(at.file)));
  assert.ok(body.subarray(0, cutAt).equals(readFileSync(join(at.folder, "other"))));
});

test("a part and its sidecar are private whatever the umask, and the file follows the umask", async () => {
  for (const [umask, mode] of [
    [0o022, 0o644],
    [0, 0o666],
    [0o077, 0o600],
    [0o027, 0o640],
  ] as const) {
    await using at = await setting([first, good], once0);
    await withUmask(umask, async () => {
      await failureOf(at.save());
      assert.deepEqual([modeOf(`${at.file}.part`), modeOf(`${at.file}.part.json`)], [0o600, 0o600]);

      await at.save();
    });

    assert.equal(modeOf(at.file), mode, umask.toString(8));
  }
});

test("a lock file is private, and a file that replaces another keeps its permissions", async () => {
  await using at = await setting([good]);
  writeFileSync(at.file, "older");
  chmodSync(at.file, 0o640);
  let lockMode: number | undefined;

  await withUmask(0, () => at.save({ onProgress: () => (lockMode = modeOf(`${at.file}.part.lock`)) }));

  assert.deepEqual([lockMode, modeOf(at.file)], [0o600, 0o640]);
});

test("permissions that the owner gives to a part stay", async () => {
  await using at = await setting([first, respond(503)], once0);
  await failureOf(at.save());
  chmodSync(`${at.file}.part`, 0o644);

  await failureOf(at.save());

  assert.equal(modeOf(`${at.file}.part`), 0o644);
});

test("a folder that is replaced by a link while the body arrives redirects nothing", async () => {
  await using at = await setting([good]);
  const [folder, victim] = [join(at.folder, "own"), join(at.folder, "victim")];
  mkdirSync(folder);
  mkdirSync(victim);
  writeFileSync(join(victim, "file.bin"), "precious");
  let isSwapped = false;

  const error = await failureOf(
    at.session.download(`${at.origin.url}/`, join(folder, "file.bin"), {
      onProgress: ({ received }) => {
        if (isSwapped || received === 0) return;
        isSwapped = true;
        renameSync(folder, `${folder}-moved`);
        symlinkSync(victim, folder);
      },
    }),
  );

  assert.ok(isSwapped);
  assert.ok(error instanceof FileAccessError, String(error));
  assert.match(error.message, /the folder was replaced/);
  assert.equal(readFileSync(join(victim, "file.bin"), "utf8"), "precious");
});

testAsRoot("a link of another user in the place of the file is an error, and not followed", async () => {
  await using at = await setting([good]);
  const victim = join(at.folder, "victim");
  writeFileSync(victim, "precious");
  symlinkSync(victim, at.file);
  execFileSync("chown", ["-h", String(otherUser), at.file]);

  const error = await failureOf(at.save());

  assert.ok(error instanceof FileAccessError);
  assert.match(error.message, /belongs to another user \(uid 65534\), and is not followed; name its target/);
  assert.equal(readFileSync(victim, "utf8"), "precious");
  assert.equal(at.origin.requests.length, 0);
});

// Special files that the user names.

function saveTo(at: Setting, file: string, options = {}): ReturnType<Setting["save"]> {
  return at.session.download(`${at.origin.url}/`, file, options);
}

test("a body is written to a device, without other files", async () => {
  await using at = await setting([good]);

  const { path, bytes, resumedFrom } = await saveTo(at, "/dev/null");

  assert.deepEqual([path, bytes, resumedFrom], ["/dev/null", body.length, 0]);
  assert.ok(statSync("/dev/null").isCharacterDevice());
});

test("a link of this user to a device is followed", async () => {
  await using at = await setting([good]);
  symlinkSync("/dev/null", at.file);

  assert.equal((await at.save()).bytes, body.length);
  assert.deepEqual(await at.names(), ["file.bin"]);
});

test("a device that is full is a DiskFullError", async (t) => {
  if (process.platform !== "linux") return t.diagnostic("only Linux has /dev/full");
  await using at = await setting([good]);

  assert.ok((await failureOf(saveTo(at, "/dev/full"))) instanceof DiskFullError);
});

function makeFifo(at: Setting): string {
  const path = join(at.folder, "fifo");
  execFileSync("mkfifo", [path]);
  return path;
}

test("a FIFO receives the body, also after a break, and waits for its reader", async () => {
  await using at = await setting([first, good]);
  const fifo = makeFifo(at);

  const saving = saveTo(at, fifo);
  await new Promise((resolve) => void setTimeout(resolve, 120));
  const reader = spawn("cat", [fifo], { stdio: ["ignore", "pipe", "inherit"] });
  const read = await buffer(reader.stdout);

  assert.equal((await saving).bytes, body.length);
  assert.ok(read.equals(body));
  assert.deepEqual(await at.names(), ["fifo"]);
});

test("a download to a FIFO without a reader ends at its deadline, before any request", async () => {
  await using at = await setting([good]);

  const error = await failureOf(saveTo(at, makeFifo(at), { timeout: { total: "300ms" } }));

  assert.equal(code(error), "ERR_DEADLINE");
  assert.equal(at.origin.requests.length, 0);
});

test("a download to a FIFO whose reader reads nothing ends at its deadline", async () => {
  const large = respond(200, { body: Buffer.alloc(1_000_000) });
  await using at = await setting([large]);
  const fifo = makeFifo(at);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);

  const error = await failureOf(saveTo(at, fifo, { timeout: { total: "500ms" } }));

  assert.equal(code(error), "ERR_DEADLINE");
  closeSync(reader);
});

test("a reader that leaves is an error that says so", async () => {
  const large = respond(200, { body: Buffer.alloc(1_000_000) });
  await using at = await setting([large]);
  const fifo = makeFifo(at);

  const saving = failureOf(saveTo(at, fifo));
  const reader = await open(fifo, "r");
  await reader.read(Buffer.alloc(10));
  await reader.close();

  const error = await saving;
  assert.ok(error instanceof FileAccessError, String(error));
  assert.match(error.message, /fifo cannot be written: its reader has closed the pipe \(EPIPE\)/);
});

test("a body that cannot be continued ends a download to a FIFO: its bytes cannot be taken back", async () => {
  const plain = respond(200, { body });
  await using at = await setting([cut(plain, { atBody: cutAt }), plain]);
  const fifo = makeFifo(at);
  const readerEnds = once(spawn("cat", [fifo], { stdio: "ignore" }), "close");

  const error = await failureOf(saveTo(at, fifo));
  await readerEnds;

  assert.equal(code(error), "ERR_INCOMPLETE_BODY");
  assert.equal(at.origin.requests.length, 1);
});

test("a wrong digest and a response that is no success are errors for a device, too", async () => {
  await using at = await setting([good, respond(404)]);

  const digest = `sha-256=${"0".repeat(64)}`;
  assert.ok((await failureOf(saveTo(at, "/dev/null", { digest }))) instanceof DigestError);
  assert.equal(code(await failureOf(saveTo(at, "/dev/null"))), "ERR_STATUS");
});

test("the bytes go to an open file of the process from its position on", async (t) => {
  if (process.platform !== "linux") return t.diagnostic("only Linux names the open files of a process");
  await using at = await setting([good]);
  const file = join(at.folder, "log");
  writeFileSync(file, "before ");
  const fd = openSync(file, "a");

  await saveTo(at, `/proc/self/fd/${fd}`);

  assert.ok(Buffer.concat([Buffer.from("before "), body]).equals(readFileSync(file)));
});
