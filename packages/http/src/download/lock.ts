import { randomUUID } from "node:crypto";
import { readFile, readlink, symlink, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { FileBusyError } from "../errors/file-errors.ts";
import { hasCode } from "./disk.ts";

/** A right to write a file, for one process at a time. */
export interface Lock {
  /**
   * Makes sure that the lock is held still. Where three find the lock of a dead process in the same instant, two of them
   * may believe that they took it over; a moment later it is plain who did.
   *
   * @throws FileBusyError when it is not.
   */
  confirm(): Promise<void>;
  /** Gives the right back. */
  release(): Promise<void>;
}

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  /** When the process began, as the system counts it: a number that is used again belongs to another one. */
  readonly start: string;
  readonly host: string;
  readonly token: string;
}

const mostTries = 10;

/**
 * Takes the lock of this name. It outlives a process that is killed, and is taken over from it; one of another machine
 * stays, for nobody here can tell whether its process lives.
 *
 * @throws FileBusyError while somebody holds it.
 */
export async function lockFile(path: string): Promise<Lock> {
  const own = { pid: process.pid, start: await startOf(process.pid), host: hostname(), token: randomUUID() };
  for (let tries = 0; tries < mostTries; tries += 1) {
    if (await create(path, own)) return lockOf(path, own.token);
    const holder = await read(path);
    if (holder === "nobody") continue;
    if (holder !== "unreadable" && (await lives(holder))) throw new FileBusyError(path, holder);
    await evict(path, { holder, by: own });
  }
  throw new FileBusyError(path, undefined);
}

function lockOf(path: string, token: string): Lock {
  return {
    confirm: async () => {
      const holder = await read(path);
      const other = typeof holder === "object" ? holder : undefined;
      if (other?.token !== token) throw new FileBusyError(path, other);
    },
    release: () => release(path, token),
  };
}

/** Makes the lock, with its holder in it from the first moment on; false where there is one. */
async function create(path: string, holder: Holder): Promise<boolean> {
  const text = JSON.stringify(holder);
  try {
    await symlink(text, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    // No links on this file system, or none for this user.
  }
  try {
    await writeFile(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

async function read(path: string): Promise<Holder | "nobody" | "unreadable"> {
  try {
    return parse(await readlink(path).catch(() => readFile(path, "utf8"))) ?? "unreadable";
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "nobody";
    throw error;
  }
}

function parse(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const texts = [fields["start"], fields["host"], fields["token"]];
  return Number.isSafeInteger(fields["pid"]) && texts.every((field) => typeof field === "string");
}

async function lives({ pid, start, host }: Holder): Promise<boolean> {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and is somebody else's.
    if (hasCode(error, "ESRCH")) return false;
  }
  return start === (await startOf(pid));
}

/** When a process began, in ticks since the machine did; empty where the system does not tell. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may hold blanks and brackets, it is the twentieth field.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

/** Removes the lock of a dead process, and no other one that has taken its place meanwhile. */
async function evict(
  path: string,
  { holder, by }: { readonly holder: Holder | "unreadable"; readonly by: Holder },
): Promise<void> {
  // One at a time removes this lock: what stands there under the guard is not replaced before it is looked at and gone.
  const guard = `${path}.${typeof holder === "object" ? holder.token : "evict"}`;
  if (!(await create(guard, by))) {
    const other = await read(guard);
    if (typeof other === "object" && !(await lives(other))) await unlink(guard).catch(() => undefined);
    return;
  }
  try {
    const present = await read(path);
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
  const holder = await read(path);
  if (typeof holder === "object" && holder.token === token) await unlink(path);
}
