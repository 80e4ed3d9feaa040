import type { RecordedRequest } from "./recorder.ts";
import { respond } from "../replies/respond.ts";
import type { Reply } from "../replies/steps.ts";

/** Makes the reply from the request, whose body was read whole. A list is taken as a script. */
export type Responder = (
  request: RecordedRequest,
) => Reply | readonly Entry[] | Promise<Reply | readonly Entry[]>;

/** What a script says about one attempt. */
export type Entry = Reply | Responder;

/** What a path does: one thing always, or one entry per attempt of which the last repeats. */
export type Script = Entry | readonly Entry[];

/** Scripts by path. A trailing `*` stands for any rest, the longest such path wins, and `*` alone is for all others. */
export type Routes = Readonly<Record<string, Script>>;

const notFound: Reply = respond(404, { body: "No such route\n" });

/** The script for a path; a 404 where there is none. */
export function findScript(routes: Routes, path: string): Script {
  const exact = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (exact) return exact;
  const patterns = Object.keys(routes).filter(
    (key) => key.endsWith("*") && path.startsWith(key.slice(0, -1)),
  );
  const longest = patterns.reduce((best, key) => (key.length > best.length ? key : best), "");
  return routes[longest] ?? notFound;
}

/** The entry of a script for the attempt of this number, from 1; the last one repeats. */
export function entryFor(script: Script, attempt: number): Entry {
  if (!isList(script)) return script;
  return script[Math.min(attempt, script.length) - 1] ?? notFound;
}

/** The reply to a request; responders are asked until there are steps. */
export async function resolveReply(entry: Entry, request: RecordedRequest): Promise<Reply> {
  let current = entry;
  while (typeof current === "function") current = entryFor(await current(request), request.attempt);
  return current;
}

/** True if the request's body is read whole before the entry is played: it does not say itself how much to read. */
export function readsFirst(entry: Entry): boolean {
  const [first] = typeof entry === "function" ? [] : entry;
  return first === undefined || !("read" in first);
}

function isList(script: Script): script is readonly Entry[] {
  if (typeof script === "function") return false;
  const [first] = script;
  return typeof first === "function" || Array.isArray(first);
}
