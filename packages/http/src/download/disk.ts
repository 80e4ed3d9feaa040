import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { DiskFullError, FileAccessError } from "../errors/file-errors.ts";

/** Whether the system says this of a file. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** Does something with a file; a disk that is full meanwhile is a DiskFullError, one that may not be written to a FileAccessError. */
export async function onDisk<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (hasCode(error, "ENOSPC", "EDQUOT"))
      throw new DiskFullError(path, { free: (await spaceFor(path)).free, cause: error });
    const errno = error instanceof Error && "code" in error ? String(error.code) : "";
    const what = refusals[errno];
    throw what === undefined ? error : new FileAccessError(path, { errno, what, cause: error });
  }
}

/** What the system says when a file may not be written. */
const refusals: Readonly<Record<string, string>> = {
  EROFS: "its disk can only be read",
  EACCES: "this user may not write in its folder, or to it",
  EPERM: "the system forbids it",
  ENAMETOOLONG: "its name, with .part.lock behind it, is too long",
  EIO: "its disk fails",
};

/** The space of a file system, in bytes. */
export interface Space {
  /** For this user. */
  readonly free: number;
  readonly size: number;
}

/** The space where a file is to be. */
export async function spaceFor(path: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(dirname(path));
  return { free: bavail * bsize, size: blocks * bsize };
}
