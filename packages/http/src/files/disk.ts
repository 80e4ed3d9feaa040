import { statfsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { DiskFullError, FileAccessError } from "../errors/file-errors.ts";

/** Whether an error of the system has one of these codes. */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(errorCodeOf(error));
}

function errorCodeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/**
 * Runs an operation on a file.
 *
 * @throws DiskFullError for a full disk; FileAccessError for a file that may not be written.
 */
export async function withFileErrors<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw toFileError(path, error);
  }
}

/** Returns the error to throw for an error of the system: one that names the file and the reason, if the reason is known. */
export function toFileError(path: string, error: unknown): unknown {
  if (hasErrorCode(error, "ENOSPC", "EDQUOT")) {
    const { bavail, bsize } = statfsSync(dirname(path));
    return new DiskFullError(path, { free: bavail * bsize, cause: error });
  }
  const errno = errorCodeOf(error);
  const what = accessFailures.get(errno);
  return what === undefined ? error : new FileAccessError(path, { errno, what, cause: error });
}

/** The meaning of the error codes of a file that may not be written. */
const accessFailures: ReadonlyMap<string, string> = new Map([
  ["EROFS", "its disk is read-only"],
  ["EACCES", "this user has no permission to write the file or its folder"],
  ["EPERM", "the system does not permit it"],
  ["EISDIR", "it is a folder; choose another path"],
  ["ENAMETOOLONG", "its name with the suffix .part.lock is too long"],
  ["EPIPE", "its reader has closed the pipe"],
  ["EIO", "its disk reported an I/O error"],
]);

/** The space of a file system, in bytes. */
export interface Space {
  /** Available to this user. */
  readonly free: number;
  readonly size: number;
}

/** Returns the space of the file system that a file is on. */
export async function readDiskSpace(path: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(dirname(path));
  return { free: bavail * bsize, size: blocks * bsize };
}
