import { Readable } from "node:stream";
import { RetryError, unlimited, type Clock } from "@holdfast/policy";
import { fakeClock } from "@holdfast/policy/testing";
import { Session, type AttemptRecord, type RequestOptions } from "@holdfast/http";
import { scriptedAdapter, type ScriptedEntry, type ScriptedRequest } from "@holdfast/http/testing";
import type { Adapter, Vector } from "./adapter.ts";
import { difference } from "./compare.ts";
import { Retry } from "../../packages/http/src/retry/retry.ts";
import { retryOf } from "./urllib3-retry.ts";
import {
  allRules,
  playModel,
  withPort,
  type Ending,
  type Played,
  type Row,
  type Rule,
  type Sent,
} from "./urllib3-urlopen-model.ts";
import {
  classNamed,
  errorOf,
  longestScript,
  type ScriptEntry,
  type UrlopenVector,
} from "./urllib3-urlopen-script.ts";

/** Whole calls: the script of every case goes through a real session. */
export const urllib3Urlopen: Adapter = {
  cases: async (vector, meta) => difference(referenceOf(caseOf(vector)), await play(caseOf(vector), meta)),
};

/** Checks a deliberate deviation: holdfast must match the model with all of its rules. */
export async function checkByRules(
  vector: Vector,
  meta: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
  return difference(modelled(vector, allRules, meta), await play(caseOf(vector), meta));
}

/** Whether rules by themselves, or together, make a difference to a case. */
export function makesADifference(vector: Vector, rules: readonly Rule[]): boolean {
  const meta = { now: 1_559_559_600, body_text: "any" };
  return difference(modelled(vector, new Set(), meta), modelled(vector, new Set(rules), meta)) !== undefined;
}

/** Returns the difference between urllib3 and the model without any rule. */
export function checkModel(vector: Vector, meta: Readonly<Record<string, unknown>>): string | undefined {
  return difference(referenceOf(caseOf(vector)), modelled(vector, new Set(), meta));
}

function modelled(vector: Vector, rules: ReadonlySet<Rule>, meta: Readonly<Record<string, unknown>>): Played {
  return playModel(caseOf(vector), rules, {
    now: Number(meta["now"]) * 1_000,
    text: String(meta["body_text"]),
  });
}

function caseOf(vector: Vector): UrlopenVector {
  return vector as unknown as UrlopenVector;
}

/** A failure keeps its class here when the retries are used up, so that it is the reason that is compared. */
function referenceOf({ expect }: UrlopenVector): Played {
  const requests = expect.requests as readonly Sent[];
  const { sleeps } = expect;
  if (expect.outcome === "response") {
    const history = (expect.history ?? []).map((row): Row => [row[2], row[3], row[4] !== null]);
    return { outcome: "response", status: expect.status ?? 0, history, requests, sleeps };
  }
  const message = expect.message === undefined ? {} : { message: expect.message };
  return { outcome: "error", error: expect.reason ?? expect.error ?? "", ...message, requests, sleeps };
}

async function play(vector: UrlopenVector, meta: Readonly<Record<string, unknown>>): Promise<Played> {
  const clock = fakeClock();
  const adapter = scriptedAdapter(scriptOf(vector), { clock });
  // The reference's clock stands still while it sleeps.
  const still: Clock = { now: clock.now, date: () => Number(meta["now"]) * 1_000, sleep: clock.sleep };
  const session = new Session({
    clock: still,
    budget: unlimited,
    random: () => 0,
    // What a session learns of limits it keeps to by the date, which stands still here.
    pacing: false,
    headers: { accept: undefined, "accept-encoding": undefined, "user-agent": undefined },
  });
  session.mount("http://", adapter).mount("https://", adapter);
  const ending = await endingOf(session, vector, String(meta["body_text"]));
  return {
    ...ending,
    requests: adapter.requests.map(sentOf),
    sleeps: clock.sleeps.map((sleep) => sleep / 1_000),
  };
}

async function endingOf(
  session: Session,
  { method, url, ...vector }: UrlopenVector,
  text: string,
): Promise<Ending> {
  const options: RequestOptions = {
    headers: vector.headers.map((name): [string, string] => [name, "v"]),
    retry: ruleOf(vector),
    maxRedirects: vector.redirect ? null : 0,
    ...(vector.body === "string" && { body: text }),
    ...(vector.body === "file" && { body: () => Readable.from([text]) }),
  };
  try {
    const response = await session.request(method, new URL(url, "http://a.test"), options);
    const history = response.attempts.filter(wentOn).map(rowOf);
    return { outcome: "response", status: response.status, history };
  } catch (error) {
    return errorEnding(error);
  }
}

function ruleOf({ retries, redirect }: Pick<UrlopenVector, "retries" | "redirect">): Retry {
  return typeof retries === "object" && retries !== null
    ? retryOf(retries)
    : Retry.fromInt(retries, redirect);
}

function wentOn({ decision }: AttemptRecord): boolean {
  return decision === "retried" || decision === "redirected";
}

function rowOf({ error, status, decision }: AttemptRecord): Row {
  const what = error === undefined ? null : classNamed(error.name, error.message);
  return [what, status ?? null, decision === "redirected"];
}

function errorEnding(error: unknown): Ending {
  if (!(error instanceof Error)) throw error;
  if (!(error instanceof RetryError))
    return { outcome: "error", error: classNamed(error.name, error.message) };
  const { cause } = error;
  return {
    outcome: "error",
    error: cause instanceof Error ? cause.name : "",
    message: cause instanceof Error ? cause.message : "",
  };
}

function scriptOf({ script }: UrlopenVector): readonly ScriptedEntry[] {
  const entries = script.map(entryOf);
  const last = entries.at(-1) ?? {};
  const again = Array.from({ length: longestScript - entries.length }, () => last);
  return [...entries, ...again, { error: new Error("There is no end to it") }];
}

function entryOf({ error, status, location, retry_after }: ScriptEntry): ScriptedEntry {
  if (error !== undefined) return () => ({ error: errorOf(error) });
  const headers = {
    ...(location !== undefined && { location }),
    ...(retry_after !== undefined && { "retry-after": retry_after }),
  };
  return { status: status ?? 0, headers };
}

function sentOf({ method, url, headers, body = "" }: ScriptedRequest): Sent {
  return {
    method,
    target: withPort(new URL(url)),
    headers: Object.keys(headers).toSorted(),
    body: body === "" ? null : body,
  };
}
