import { closeSync, constants, fchmodSync, fstatSync, type Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { FileAccessError } from "../errors/file-errors.ts";
import { hasErrorCode } from "./disk.ts";
import { carefully, type Folder, isSameFile } from "./folder.ts";

const { O_CREAT, O_EXCL, O_RDWR } = constants;

/** The permissions of files that hold bodies, URLs and cookies: for their owner only. */
export const privateMode = 0o600;

const maxTries = 10;

/** A file at a name that the program derives from another name. */
export type FoundFile = { readonly fd: number } | { readonly foreign: string } | "missing";

/** Returns why a file may not be taken over, or undefined if it may: a regular file of this user, with one name. */
export function explainForeign(stats: Stats, isOwn: (stats: Stats) => boolean): string | undefined {
  if (!stats.isFile()) return `it is ${describeKind(stats)}`;
  if (!isOwn(stats)) return `it belongs to another user (uid ${stats.uid})`;
  return stats.nlink > 1 ? `it has ${stats.nlink} hard links` : undefined;
}

/** Returns the kind of a file in words. */
export function describeKind(stats: Stats): string {
  if (stats.isSymbolicLink()) return "a symbolic link";
  if (stats.isDirectory()) return "a folder";
  if (stats.isFIFO()) return "a FIFO";
  if (stats.isSocket()) return "a socket";
  return stats.isFile() ? "a regular file" : "a device";
}

/** Creates a file with exactly these permissions, whatever the umask. @throws an error with the code EEXIST if the name is taken. */
export function createFile(folder: Folder, name: string, mode: number = privateMode): number {
  const fd = folder.open(name, O_RDWR | O_CREAT | O_EXCL | carefully, mode);
  if (process.platform !== "win32" && (fstatSync(fd).mode & 0o777) !== mode) fchmodSync(fd, mode);
  return fd;
}

/** Opens a file if it may be taken over. Follows no link and waits for no FIFO. */
export function openOwnFile(folder: Folder, name: string, flags: number): FoundFile {
  const before = folder.lstat(name);
  if (before === undefined) return "missing";
  const isOwn = (stats: Stats): boolean => folder.isOwn(stats);
  const foreign = explainForeign(before, isOwn);
  if (foreign !== undefined) return { foreign };
  let fd: number;
  try {
    fd = folder.open(name, flags | carefully);
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return "missing";
    throw error;
  }
  // Another user may have replaced the file meanwhile.
  const opened = fstatSync(fd);
  if (isSameFile(opened, before) && explainForeign(opened, isOwn) === undefined) return { fd };
  closeSync(fd);
  return { foreign: "it was replaced by another process" };
}

/**
 * Opens a file of this user, or creates it. An entry that may not be taken over is removed first: a link, but not the file
 * that it leads to.
 *
 * @throws FileAccessError if the entry cannot be removed.
 */
export function takeOverFile(folder: Folder, name: string, mode: number = privateMode): number {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const found = openOwnFile(folder, name, O_RDWR);
    if (typeof found === "object" && "fd" in found) return found.fd;
    if (found !== "missing") removeForeign(folder, name, found.foreign);
    try {
      return createFile(folder, name, mode);
    } catch (error) {
      if (!hasErrorCode(error, "EEXIST")) throw error;
    }
  }
  throw foreignError(folder, name, "it was replaced several times by another process");
}

/** Opens a file as `takeOverFile` does, for asynchronous operations. */
export async function takeOverHandle(folder: Folder, name: string): Promise<FileHandle> {
  const fd = takeOverFile(folder, name);
  try {
    const handle = await folder.openHandle(name, O_RDWR | carefully);
    if (isSameFile(await handle.stat(), fstatSync(fd))) return handle;
    await handle.close();
    throw foreignError(folder, name, "it was replaced by another process");
  } finally {
    closeSync(fd);
  }
}

/** Creates an empty file of this user for asynchronous operations. Removes an entry of this name. */
export async function replaceByNewFile(folder: Folder, name: string): Promise<FileHandle> {
  folder.unlink(name);
  const handle = await folder.openHandle(name, O_RDWR | O_CREAT | O_EXCL | carefully, privateMode);
  if (process.platform !== "win32") await handle.chmod(privateMode);
  return handle;
}

/**
 * Removes an entry that may not be taken over: a link, but not the file that it leads to.
 *
 * @throws FileAccessError if the entry cannot be removed.
 */
export function clearForeign(folder: Folder, name: string): void {
  const stats = folder.lstat(name);
  const foreign = stats && explainForeign(stats, (found) => folder.isOwn(found));
  if (foreign !== undefined) removeForeign(folder, name, foreign);
}

function removeForeign(folder: Folder, name: string, foreign: string): void {
  try {
    folder.unlink(name);
  } catch {
    throw foreignError(folder, name, foreign);
  }
}

/** Returns the error for an entry that may not be taken over. */
export function foreignError(folder: Folder, name: string, foreign: string): FileAccessError {
  return new FileAccessError(`${folder.path}/${name}`, {
    errno: "EPERM",
    what: `${foreign}; remove it, or choose another folder`,
  });
}
