import type { ProxyEntry } from "./entry.ts";

const words = /\s+(?:(rotating)|sessions=(\d+)|maxUses=(\d+))$/i;

/** Reads a line of a list: a proxy, and behind it what else is said of it: `rotating`, `sessions=5`, `maxUses=20`. */
export function entryOfLine(line: string): ProxyEntry {
  const [word, rotating, sessions, maxUses] = words.exec(line) ?? [];
  if (word === undefined) return { url: line };
  const { session, ...entry } = entryOfLine(line.slice(0, -word.length));
  return {
    ...entry,
    ...(session !== undefined && { session }),
    ...(rotating !== undefined && { rotating: true }),
    ...(sessions !== undefined && { sessions: Number(sessions) }),
    ...(maxUses !== undefined && { session: { maxUses: Number(maxUses) } }),
  };
}
