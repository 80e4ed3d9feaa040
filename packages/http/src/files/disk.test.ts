import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DiskFullError, FileAccessError } from "../errors/file-errors.ts";
import { withFileErrors, readDiskSpace } from "./disk.ts";

const path = join(tmpdir(), "file");

function failing(code: string): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(code), { code }));
}

test("throws a DiskFullError with the free space and the cause for a full disk and a used-up quota", async () => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    await assert.rejects(withFileErrors(path, failing(code)), (error) => {
      assert.ok(error instanceof DiskFullError);
      assert.deepEqual(
        [error.path, error.need, Reflect.get(Object(error.cause), "code")],
        [path, undefined, code],
      );
      return error.free > 0;
    });
  }
});

test("throws a FileAccessError with the file and the reason if it may not be written", async () => {
  for (const errno of ["EROFS", "EACCES", "EPERM", "ENAMETOOLONG", "EIO"]) {
    await assert.rejects(withFileErrors(path, failing(errno)), (error) => {
      assert.ok(error instanceof FileAccessError);
      assert.deepEqual(
        [error.path, error.errno, Reflect.get(Object(error.cause), "code")],
        [path, errno, errno],
      );
      return error.message.startsWith(`${path} cannot be written: `);
    });
  }
});

test("returns the result, and throws any other error unchanged", async () => {
  await assert.rejects(withFileErrors(path, failing("EMFILE")), { code: "EMFILE" });
  assert.equal(await withFileErrors(path, () => Promise.resolve(7)), 7);
});

test("the free space is at most the size of the disk", async () => {
  const { free, size } = await readDiskSpace(path);

  assert.ok(free > 0 && free <= size);
});
