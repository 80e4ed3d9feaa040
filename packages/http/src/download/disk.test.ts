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

test("a full disk and a used-up quota are DiskFullErrors, with what is free and the system's own as the cause", async () => {
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

test("what may not be written is a FileAccessError that names the file and says why", async () => {
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

test("any other failure is what it is, and so is a success", async () => {
  await assert.rejects(withFileErrors(path, failing("EMFILE")), { code: "EMFILE" });
  assert.equal(await withFileErrors(path, () => Promise.resolve(7)), 7);
});

test("what is free is no more than there is", async () => {
  const { free, size } = await readDiskSpace(path);

  assert.ok(free > 0 && free <= size);
});
