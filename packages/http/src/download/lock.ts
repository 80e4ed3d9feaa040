import { randomUUID } from "node:crypto";
import { readFile, readlink, symlink, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { FileBusyError } from "../errors/file-errors.ts";
import { hasErrorCode } from "./disk.ts";

/** The lock of a file. One process holds it at a time. */
export interface Lock {
  /**
   * Checks that this process still holds the lock. If three processes find the lock of a dead one at the same instant, two of
   * them may believe that they took it over. A moment later the file shows which one did.
   *
   * @throws FileBusyError if another process holds the lock.
   */
  confirm(): Promise<void>;
  /** Releases the lock. */
  release(): Promise<void>;
}

/** The process that holds a lock. */
interface LockHolder {
  readonly pid: number;
  /** Start of the process in ticks of the system, which tells apart two processes with the same pid. */
  readonly start: string;
  readonly host: string;
  readonly token: string;
}

const maxTries = 10;

/**
 * Takes the lock of this name. The lock of a process that was killed is taken over. The lock of another machine stays,
 * because this machine cannot check whether the process is alive.
 *
 * @throws FileBusyError while another process holds the lock.
 */
export async function lockFile(path: string): Promise<Lock> {
  const own = {
    pid: process.pid,
    start: await readProcessStart(process.pid),
    host: hostname(),
    token: randomUUID(),
  };
  for (let tries = 0; tries < maxTries; tries += 1) {
    if (await createLock(path, own)) return toLock(path, own.token);
    const holder = await readHolder(path);
    if (holder === "no-holder") continue;
    if (holder !== "unreadable" && (await isAlive(holder))) throw new FileBusyError(path, holder);
    await evict(path, { holder, by: own });
  }
  throw new FileBusyError(path, undefined);
}

function toLock(path: string, token: string): Lock {
  return {
    confirm: async () => {
      const holder = await readHolder(path);
      const other = typeof holder === "object" ? holder : undefined;
      if (other?.token !== token) throw new FileBusyError(path, other);
    },
    release: () => release(path, token),
  };
}

/** Creates the lock together with its holder in one step. Returns false if the lock exists. */
async function createLock(path: string, holder: LockHolder): Promise<boolean> {
  const text = JSON.stringify(holder);
  try {
    await symlink(text, path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, "EEXIST")) return false;
    // The file system has no symbolic links, or this user may not create any.
  }
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (hasErrorCode(error, "EEXIST")) return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<LockHolder | "no-holder" | "unreadable"> {
  try {
    return parseHolder(await readlink(path).catch(() => readFile(path, "utf8"))) ?? "unreadable";
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return "no-holder";
    throw error;
  }
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isLockHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isLockHolder(value: unknown): value is LockHolder {
  if (typeof value !== "object" || value === null) return false;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const texts = [fields["start"], fields["host"], fields["token"]];
  return Number.isSafeInteger(fields["pid"]) && texts.every((field) => typeof field === "string");
}

async function isAlive({ pid, start, host }: LockHolder): Promise<boolean> {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: the process is alive and belongs to another user.
    if (hasErrorCode(error, "ESRCH")) return false;
  }
  return start === (await readProcessStart(pid));
}

/** Returns the start of a process in ticks since the start of the machine; an empty string where the system has none. */
async function readProcessStart(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The twentieth field after the name, which may contain blanks and brackets.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

/** Removes the lock of a dead process, but not a lock that replaced it meanwhile. */
async function evict(
  path: string,
  { holder, by }: { readonly holder: LockHolder | "unreadable"; readonly by: LockHolder },
): Promise<void> {
  // One process at a time removes this lock. Under the guard, no other process replaces the lock between check and removal.
  const guard = `${path}.${typeof holder === "object" ? holder.token : "evict"}`;
  if (!(await createLock(guard, by))) {
    const other = await readHolder(guard);
    if (typeof other === "object" && !(await isAlive(other))) await unlink(guard).catch(() => undefined);
    return;
  }
  try {
    const present = await readHolder(path);
    const same =
      typeof holder === "object"
        ? typeof present === "object" && present.token === holder.token
        : present === "unreadable";
    if (same) await unlink(path);
  } finally {
    await unlink(guard).catch(() => undefined);
  }
}

async function release(path: string, token: string): Promise<void> {
  const holder = await readHolder(path);
  if (typeof holder === "object" && holder.token === token) await unlink(path);
}
