import type { ProxyEntry } from "./entry.ts";

const words = /^(?:(rotating)|sessions=(\d+)|maxUses=(\d+))$/i;

/** Reads a line of a list: a proxy, and behind it what else is said of it: `rotating`, `sessions=5`, `maxUses=20`. */
export function entryOfLine(line: string): ProxyEntry {
  const at = Math.max(line.lastIndexOf(" "), line.lastIndexOf("\t"));
  const [word, rotating, sessions, maxUses] = words.exec(line.slice(at + 1)) ?? [];
  if (word === undefined || at < 0) return { url: line };
  const { session, ...entry } = entryOfLine(line.slice(0, at).trimEnd());
  return {
    ...entry,
    ...(session !== undefined && { session }),
    ...(rotating !== undefined && { rotating: true }),
    ...(sessions !== undefined && { sessions: Number(sessions) }),
    ...(maxUses !== undefined && { session: { maxUses: Number(maxUses) } }),
  };
}
