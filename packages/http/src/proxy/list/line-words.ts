import type { ProxyEntry } from "./entry.ts";

const word = /^(?:(rotating)|sessions=(\d+)|maxUses=(\d+))$/i;
// Each word is said once.
const maxWords = 3;

/** Reads a line of a list: a proxy, and behind it what else is said of it: `rotating`, `sessions=5`, `maxUses=20`. */
export function entryOfLine(line: string): ProxyEntry {
  let entry: ProxyEntry = { url: line };
  for (let count = 0; count < maxWords; count += 1) {
    const { url } = entry;
    const gap = Math.max(url.lastIndexOf(" "), url.lastIndexOf("\t"));
    const [said, rotating, sessions, maxUses] = (gap < 0 ? null : word.exec(url.slice(gap + 1))) ?? [];
    if (said === undefined) break;
    entry = {
      ...entry,
      url: url.slice(0, gap).trimEnd(),
      ...(rotating !== undefined && { rotating: true }),
      ...(sessions !== undefined && { sessions: Number(sessions) }),
      ...(maxUses !== undefined && { session: { maxUses: Number(maxUses) } }),
    };
  }
  return entry;
}
