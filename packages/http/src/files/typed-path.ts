import { fstatSync, lstatSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { FileAccessError } from "../errors/file-errors.ts";
import { hasErrorCode, toFileError } from "./disk.ts";
import { describeKind } from "./own-file.ts";

/** A path that the user named, without symbolic links. */
export interface TypedPath {
  readonly path: string;
  /** The file or folder at the path; undefined if the path is free. */
  readonly stats: Stats | undefined;
  /** The open file of this process that the path names, as `/dev/stdout` and a process substitution do. */
  readonly openFile?: number;
}

const maxLinks = 40;

/**
 * Follows the symbolic links of a path that the user named. A link is followed if it belongs to this user or root. A link at
 * the end of the path is followed if its target does, too.
 *
 * @throws FileAccessError for a link that is not followed.
 */
export function resolveTypedPath(named: string): TypedPath {
  const path = resolve(named);
  return process.platform === "win32" ? followWithPlatform(path) : new LinkWalk(path).follow();
}

/** Whether bytes are written to a file as they arrive: a FIFO, a character device, or an open file of this process. */
export function isDirect({ stats, openFile }: TypedPath): boolean {
  return openFile !== undefined || stats?.isFIFO() === true || stats?.isCharacterDevice() === true;
}

/**
 * Checks that a special file may be written.
 *
 * @throws TypeError for a folder, a block device or a socket; FileAccessError for a FIFO or a device of another user.
 */
export function checkDirect(target: TypedPath): void {
  const { path, stats, openFile } = target;
  if (stats === undefined || openFile !== undefined || stats.isFile()) return;
  if (!isDirect(target)) throw new TypeError(`${path} is ${describeKind(stats)}; choose another path`);
  if (!belongsToUserOrRoot(stats))
    throw new FileAccessError(path, {
      errno: "EPERM",
      what: `it is ${describeKind(stats)} of another user (uid ${stats.uid}); choose another path`,
    });
}

/** Walks a path from the root, one name at a time, so that the owner of each link is known. */
class LinkWalk {
  readonly #named: string;
  #at: string = sep;
  #names: string[];
  #links = 0;
  /** Whether the last name of the path was a link, so that its target is checked. */
  #isFinalLink = false;

  constructor(named: string) {
    this.#named = named;
    this.#names = split(named);
  }

  follow(): TypedPath {
    let stats: Stats | undefined = lstatSync(sep);
    for (let name = this.#names.shift(); name !== undefined; name = this.#names.shift()) {
      const path = join(this.#at, name);
      stats = lstat(path);
      // Names behind a missing folder, or behind a file, name nothing.
      if (stats === undefined) return { path: join(path, ...this.#names), stats };
      if (!stats.isSymbolicLink()) {
        this.#at = path;
        continue;
      }
      const openFile = this.#names.length === 0 ? findOpenFile(path) : undefined;
      if (openFile !== undefined) return { path, stats: fstatSync(openFile), openFile };
      this.#enter(path, stats);
      stats = lstat(this.#at);
    }
    if (this.#isFinalLink && stats !== undefined && !belongsToUserOrRoot(stats))
      throw this.#refuse(`its target ${this.#at}`, stats, "name the target itself");
    return { path: this.#at, stats };
  }

  #enter(path: string, link: Stats): void {
    if (!belongsToUserOrRoot(link)) throw this.#refuse(`the symbolic link ${path}`, link, "name its target");
    if ((this.#links += 1) > maxLinks)
      throw new FileAccessError(this.#named, {
        errno: "ELOOP",
        what: "it has too many symbolic links; name its target",
      });
    this.#isFinalLink ||= this.#names.length === 0;
    const target = readlinkSync(path);
    if (isAbsolute(target)) this.#at = sep;
    this.#names = [...split(target), ...this.#names];
  }

  #refuse(what: string, { uid }: Stats, remedy: string): FileAccessError {
    return new FileAccessError(this.#named, {
      errno: "ELOOP",
      what: `${what} belongs to another user (uid ${uid}), and is not followed; ${remedy}`,
    });
  }
}

function split(path: string): string[] {
  return path.split(sep).filter((name) => name !== "" && name !== ".");
}

function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (hasErrorCode(error, "ENOTDIR")) return undefined;
    throw toFileError(path, error);
  }
}

function belongsToUserOrRoot({ uid }: Stats): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/** Returns the file descriptor that a path such as `/proc/self/fd/1` names. */
function findOpenFile(path: string): number | undefined {
  if (process.platform !== "linux" || !/^\d+$/.test(basename(path))) return undefined;
  const own = [`/proc/${readlinkSync("/proc/self")}/fd`, `/proc/${readlinkSync("/proc/thread-self")}/fd`];
  return own.includes(dirname(path)) ? Number(basename(path)) : undefined;
}

function followWithPlatform(path: string): TypedPath {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink() !== true) return { path, stats };
  const target = statSync(path, { throwIfNoEntry: false });
  // The target of a dangling link is the path that it names.
  if (target === undefined) return { path: resolve(dirname(path), readlinkSync(path)), stats: undefined };
  return { path: realpathSync(path), stats: target };
}
