import { readFileSync } from "node:fs";
import type { Folder } from "./folder.ts";

/** Returns the permissions that the umask leaves to a new file. */
export function readNewFileMode(folder: Folder): number {
  const umask = readUmask();
  // `process.umask()` sets the umask for a moment, also for files that other threads create.
  return umask === undefined ? (folder.createProbe()?.mode ?? 0o600) & 0o666 : 0o666 & ~umask;
}

/** Reads the umask where the system tells it. */
function readUmask(): number | undefined {
  try {
    const found = /^Umask:\s*([0-7]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    return found === undefined ? undefined : Number.parseInt(found, 8);
  } catch {
    return undefined;
  }
}
