import assert from "node:assert/strict";
import { readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { DiskFullError, FileAccessError, Session } from "@holdfast/http";
import { chunked, faultOrigin, ranged, type Entry } from "@holdfast/http/testing";
import { runProgram } from "./support/child.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const megabyte = 1024 * 1024;
const diskBytes = 8 * megabyte;
const strong = { etag: '"v1"' };

interface Disk extends AsyncDisposable {
  readonly path: string;
}

/** A disk of 8 MB. There is no way to make one without the right to mount. */
async function smallDisk(): Promise<Disk> {
  const folder = await temporaryDirectory("disk");
  const mounted = await runProgram("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", folder.path]);
  assert.equal(mounted.code, 0, mounted.stderr);
  return {
    path: folder.path,
    [Symbol.asyncDispose]: async () => {
      await runProgram("umount", [folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}

const mayMount = process.platform === "linux" && process.getuid?.() === 0;

/** A test of a small disk; where none can be mounted, one that says so. */
function onSmallDisk(name: string, run: (disk: Disk) => Promise<void>): void {
  if (!mayMount)
    return void test(`NOT TESTED, because only root can mount a small disk: ${name}`, () => undefined);
  test(name, async () => {
    await using disk = await smallDisk();
    await run(disk);
  });
}

async function failureOf(url: string, file: string): Promise<Error> {
  await using session = new Session();
  try {
    await session.download(url, file);
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  return assert.fail("It was saved");
}

onSmallDisk(
  "a file that does not fit is refused before its first byte, with what it needs and what is free",
  async (disk) => {
    await using origin = await faultOrigin({
      routes: { "/": ranged({ body: Buffer.alloc(20 * megabyte), ...strong }) },
    });

    const error = await failureOf(`${origin.url}/`, join(disk.path, "big.iso"));

    assert.ok(error instanceof DiskFullError);
    assert.equal(error.need, 20 * megabyte);
    assert.ok(error.free > 7 * megabyte && error.free <= diskBytes);
    assert.match(error.message, /big\.iso: it needs 20971520 more bytes, and \d+ are free/);
    assert.deepEqual(await readdir(disk.path), []);
  },
);

onSmallDisk("a read-only disk is an error before any request", async (disk) => {
  await using origin = await faultOrigin({ routes: { "/": ranged({ body: Buffer.alloc(9), ...strong }) } });
  const remounted = await runProgram("mount", ["-o", "remount,ro", disk.path]);
  assert.equal(remounted.code, 0, remounted.stderr);
  const file = join(disk.path, "big.iso");

  const error = await failureOf(`${origin.url}/`, file);

  assert.ok(error instanceof FileAccessError);
  assert.equal(error.message, `${file} cannot be written: its disk is read-only (EROFS)`);
  assert.equal(origin.requests.length, 0);
});

onSmallDisk(
  "a file of unknown length throws the error before it fills the disk, and a later call continues its part",
  async (disk) => {
    const body = Buffer.alloc(6 * megabyte, "0123456789abcde");
    const pieces = Array.from({ length: 6 }, (_, index) =>
      body.subarray(index * megabyte, (index + 1) * megabyte),
    );
    const script: readonly Entry[] = [chunked(200, pieces, { headers: strong }), ranged({ body, ...strong })];
    await using origin = await faultOrigin({ routes: { "/": script } });
    const [ballast, file] = [join(disk.path, "ballast"), join(disk.path, "big.iso")];
    await writeFile(ballast, Buffer.alloc(4 * megabyte));

    const error = await failureOf(`${origin.url}/`, file);

    assert.ok(error instanceof DiskFullError, String(error));
    assert.equal(error.need, undefined);
    const { bavail, bsize } = await statfs(disk.path);
    assert.ok(bavail * bsize > diskBytes * 0.02, `${bavail * bsize} bytes are free`);
    assert.deepEqual(await readdir(disk.path).then((names) => names.toSorted()), [
      "ballast",
      "big.iso.part",
      "big.iso.part.json",
    ]);
    await rm(ballast);
    await using session = new Session();
    const { resumedFrom } = await session.download(`${origin.url}/`, file);
    assert.ok(resumedFrom > megabyte);
    assert.ok(body.equals(await readFile(file)));
  },
);
