import type { RecordedRequest } from "./recorder.ts";
import { respond } from "../replies/respond.ts";
import type { Reply } from "../replies/steps.ts";

/** Returns the reply for a request after its body was read. A list is used as a script. */
export type Responder = (
  request: RecordedRequest,
) => Reply | readonly Entry[] | Promise<Reply | readonly Entry[]>;

/** The reply of a script to one attempt, or the function that creates it. */
export type Entry = Reply | Responder;

/** The replies of a path: one for every attempt, or one entry per attempt, the last of which repeats. */
export type Script = Entry | readonly Entry[];

/** Scripts by path. A trailing `*` matches any remainder, the longest match wins, and `*` alone matches all other paths. */
export type Routes = Readonly<Record<string, Script>>;

const notFound: Reply = respond(404, { body: "No such route\n" });

/** Returns the script for a path, or a 404 for an unknown path. */
export function findScript(routes: Routes, path: string): Script {
  const exact = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (exact) return exact;
  const patterns = Object.keys(routes).filter(
    (key) => key.endsWith("*") && path.startsWith(key.slice(0, -1)),
  );
  const longest = patterns.reduce((best, key) => (key.length > best.length ? key : best), "");
  return routes[longest] ?? notFound;
}

/** Returns the entry of a script for an attempt, counted from 1. The last entry repeats. */
export function entryFor(script: Script, attempt: number): Entry {
  if (!isScriptList(script)) return script;
  return script[Math.min(attempt, script.length) - 1] ?? notFound;
}

/** Resolves with the steps for a request, calling responders until one returns steps. */
export async function resolveReply(entry: Entry, request: RecordedRequest): Promise<Reply> {
  let current = entry;
  while (typeof current === "function") current = entryFor(await current(request), request.attempt);
  return current;
}

/** Returns whether the whole body of the request is read first: the entry does not begin with a `read` step. */
export function readsFirst(entry: Entry): boolean {
  const [first] = typeof entry === "function" ? [] : entry;
  return first === undefined || !("read" in first);
}

function isScriptList(script: Script): script is readonly Entry[] {
  if (typeof script === "function") return false;
  const [first] = script;
  return typeof first === "function" || Array.isArray(first);
}
