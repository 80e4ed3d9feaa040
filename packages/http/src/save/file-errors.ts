import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { DiskFullError } from "../errors.ts";

/** Whether the system says this of a file. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** Does something with a file; a disk that is full while it does so is a DiskFullError. */
export async function onDisk<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!hasCode(error, "ENOSPC", "EDQUOT")) throw error;
    throw new DiskFullError(path, { free: (await spaceFor(path)).free, cause: error });
  }
}

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
