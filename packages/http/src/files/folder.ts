import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { FileAccessError } from "../errors/file-errors.ts";
import { hasErrorCode, toFileError } from "./disk.ts";

/** Linux's O_PATH, for which Node has no constant: a handle of a folder that needs no permission to read it. */
const pathOnly = 0o10_000_000;

/** The flags that open a file without following a link, or waiting for the other end of a FIFO. */
export const carefully: number = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Whether two results of `stat` describe one file. */
export function isSameFile(one: Stats | undefined, other: Stats | undefined): boolean {
  return one !== undefined && one.dev === other?.dev && one.ino === other.ino;
}

/**
 * A folder that stays the same when its path is redirected. On Linux its entries are reached through an open handle, so that
 * nothing is redirected if another user replaces the folder, or one above it, by a link. Elsewhere the folder is compared
 * with the one that was opened before each access.
 */
export class Folder {
  readonly path: string;
  readonly #handle: number | undefined;
  readonly #identity: Stats;
  #createdUid: number | undefined;
  #isClosed = false;

  private constructor(path: string, handle: number | undefined, identity: Stats) {
    this.path = path;
    this.#handle = handle;
    this.#identity = identity;
  }

  /**
   * Opens a folder. Its path must be absolute and free of symbolic links, as `resolveOutput` returns it.
   *
   * @throws FileAccessError if the path leads through a link, or the folder may not be used.
   */
  static open(path: string): Folder {
    const handle = openHandle(path);
    if (handle === undefined) {
      const identity = lstatSync(path);
      if (!identity.isDirectory()) throw replacedError(path);
      return new Folder(path, undefined, identity);
    }
    const folder = new Folder(path, handle, fstatSync(handle));
    if (isReached(path, handle)) return folder;
    folder.close();
    throw replacedError(path);
  }

  /** Creates a folder in this folder with exactly these permissions, or opens the folder of this name. */
  createFolder(name: string, mode: number): Folder {
    let isNew = true;
    try {
      this.#act(name, (path) => mkdirSync(path, { mode }));
    } catch (error) {
      if (!hasErrorCode(error, "EEXIST")) throw error;
      isNew = false;
    }
    const folder = this.openFolder(name);
    // The umask may have removed bits.
    if (isNew && folder.isOwn(folder.stat())) folder.setMode(mode);
    return folder;
  }

  /** Opens a folder in this folder. A link is not followed. */
  openFolder(name: string): Folder {
    const path = join(this.path, name);
    const handle = openHandle(this.entry(name), path);
    if (handle === undefined) return Folder.open(path);
    return new Folder(path, handle, fstatSync(handle));
  }

  /** Returns the path through which an entry is used. It is valid while the folder is open. */
  entry(name: string): string {
    // The system gives the number of a closed handle to another file.
    if (this.#isClosed) throw new Error(`The folder ${this.path} is used after it was closed`);
    if (this.#handle !== undefined) return `/proc/self/fd/${this.#handle}/${name}`;
    this.confirm();
    return join(this.path, name);
  }

  /** Returns the present path of the folder, which may have been moved; undefined if it is unknown. */
  findPath(): string | undefined {
    try {
      this.confirm();
      return this.path;
    } catch {
      return this.#handle === undefined ? undefined : readlinkSync(`/proc/self/fd/${this.#handle}`);
    }
  }

  /** @throws FileAccessError if the path no longer leads to this folder. */
  confirm(): void {
    let found: Stats | undefined;
    try {
      found = lstatSync(this.path, { throwIfNoEntry: false });
    } catch {
      // A folder above is gone, or is no folder.
    }
    if (!isSameFile(found, this.#identity)) throw replacedError(this.path);
  }

  /** Returns the state of the folder at this moment. */
  stat(): Stats {
    return this.#handle === undefined ? lstatSync(this.path) : fstatSync(this.#handle);
  }

  /** Sets the permissions of the folder, unless it has them. Bits other than those of user, group and others stay. */
  setMode(mode: number): void {
    const present = this.stat().mode & 0o7777;
    if (process.platform === "win32" || (present & 0o777) === mode) return;
    chmodSync(
      this.#handle === undefined ? this.path : `/proc/self/fd/${this.#handle}`,
      (present & 0o7000) | mode,
    );
  }

  /** Returns the names in the folder. */
  list(): readonly string[] {
    return this.#act(".", (path) => readdirSync(path));
  }

  lstat(name: string): Stats | undefined {
    return this.#act(name, (path) => lstatSync(path, { throwIfNoEntry: false }));
  }

  open(name: string, flags: number, mode?: number): number {
    return this.#act(name, (path) => openSync(path, flags, mode));
  }

  async openHandle(name: string, flags: number, mode?: number): Promise<FileHandle> {
    const path = this.entry(name);
    try {
      return await open(path, flags, mode);
    } catch (error) {
      throw this.#toError(name, error);
    }
  }

  rename(from: string, to: string): void {
    this.#act(to, (path) => renameSync(this.entry(from), path));
  }

  /** Creates a folder with the permissions that the umask leaves. */
  mkdir(name: string): void {
    this.#act(name, (path) => mkdirSync(path));
  }

  /** Removes an entry: a link, and not the file that it leads to. Does nothing if the entry is missing. */
  unlink(name: string): void {
    try {
      this.#act(name, (path) => unlinkSync(path));
    } catch (error) {
      if (!hasErrorCode(error, "ENOENT")) throw error;
    }
  }

  /** Whether a file belongs to this user. */
  isOwn({ uid }: Pick<Stats, "uid">): boolean {
    const own = process.geteuid?.();
    return own === undefined || uid === own || uid === this.#findCreatedUid();
  }

  /** Writes the names in the folder to the disk, on platforms that can. */
  sync(): void {
    if (process.platform === "win32") return;
    let fd: number;
    try {
      fd = this.#act(".", (path) => openSync(path, constants.O_RDONLY));
    } catch (error) {
      // A drop box: this user may create files in it, and not read it.
      if (hasErrorCode(error, "EACCES")) return;
      throw error;
    }
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#handle !== undefined) closeSync(this.#handle);
  }

  /**
   * Opens this folder once more, after it was closed.
   *
   * @throws FileAccessError if the path no longer leads to it.
   */
  reopen(): Folder {
    const folder = Folder.open(this.path);
    if (isSameFile(folder.#identity, this.#identity)) return folder;
    folder.close();
    throw replacedError(this.path);
  }

  /** Creates an empty file, removes it, and returns its state. Undefined if this user may not create a file. */
  createProbe(): Stats | undefined {
    try {
      const name = randomName();
      const { O_CREAT, O_EXCL, O_WRONLY } = constants;
      const fd = this.open(name, O_WRONLY | O_CREAT | O_EXCL | carefully, 0o666);
      const stats = fstatSync(fd);
      closeSync(fd);
      this.unlink(name);
      return stats;
    } catch {
      return undefined;
    }
  }

  /** Returns the owner of a new file: some network and virtual file systems give every file to one user. */
  #findCreatedUid(): number {
    return (this.#createdUid ??= this.createProbe()?.uid ?? -1);
  }

  #act<T>(name: string, act: (path: string) => T): T {
    const path = this.entry(name);
    try {
      return act(path);
    } catch (error) {
      throw this.#toError(name, error);
    }
  }

  #toError(name: string, error: unknown): unknown {
    if (this.#handle === undefined || !(error instanceof Error)) return error;
    error.message = error.message.replaceAll(`/proc/self/fd/${this.#handle}/`, join(this.path, "/"));
    return Object.assign(error, { path: join(this.path, name) });
  }
}

/** Returns a name for a file that is being written. */
export function randomName(): string {
  return `.holdfast-${randomBytes(6).toString("hex")}.part`;
}

function openHandle(path: string, shownPath = path): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const handle = openSync(path, pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    if (lstatSync(`/proc/self/fd/${handle}`, { throwIfNoEntry: false }) !== undefined) return handle;
    closeSync(handle);
    return undefined;
  } catch (error) {
    if (hasErrorCode(error, "ENOTDIR", "ELOOP")) throw replacedError(shownPath);
    throw toFileError(shownPath, error);
  }
}

/** Whether a handle was reached on exactly this path, and not through a link that replaced a folder above it. */
function isReached(path: string, handle: number): boolean {
  // Some file systems ignore case or normal form, and the system may report another spelling.
  const fold = (text: string): string => text.normalize("NFC").toLowerCase();
  return fold(readlinkSync(`/proc/self/fd/${handle}`)) === fold(path);
}

function replacedError(path: string): FileAccessError {
  return new FileAccessError(path, {
    errno: "ENOTDIR",
    what: "the folder was replaced, or a symbolic link is in its place; remove the link, or choose another folder",
  });
}
