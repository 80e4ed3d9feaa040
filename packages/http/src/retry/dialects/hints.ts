import { parseHttpDate } from "../../model/http-date.ts";
import { warn } from "../../support/warning.ts";
import { toBucketName } from "./bucket-name.ts";
import { clampDelay } from "../retry-after.ts";
import type { Dialect, Hint, Reply } from "./dialect.ts";
import { dialects } from "./index.ts";
import type { JudgedResponse } from "../judge.ts";
import { toReply } from "./reply.ts";

/** Matches every header name that a built-in dialect reads. */
export const hintHeaderPattern: RegExp = /retry|limit|envoy|github|amz/;

/**
 * Returns the hint of a response that arrived at `now` (milliseconds since 1970), in any of the given dialects.
 *
 * Most failures carry no hint. Testing their header names first takes a tenth of the time of asking every dialect.
 */
export function findHint(
  response: JudgedResponse,
  candidates: readonly Dialect[],
  now: number,
): Hint | undefined {
  if (candidates === dialects && !mayHaveHint(response)) return undefined;
  return readHint(toReply(response, now), candidates);
}

function mayHaveHint(response: JudgedResponse): boolean {
  let hasType = false;
  for (const name of response.names()) {
    if (isHintHeader(name)) return true;
    hasType ||= name === "content-type";
  }
  return hasType && /json|xml/i.test(String(response.headers.get("content-type")));
}

// Most failures repeat the same few names, and a look into the table takes a tenth of the time of the pattern.
const knownNames = new Map<string, boolean>();
const maxKnownNames = 1_000;

function isHintHeader(name: string): boolean {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const matches = hintHeaderPattern.test(name);
  if (knownNames.size < maxKnownNames) knownNames.set(name, matches);
  return matches;
}

/**
 * Returns the hint of a reply in any of the given dialects.
 *
 * - A hint that forbids another attempt overrides all others.
 * - Otherwise the first hint with a delay counts, so that Retry-After comes before RateLimit.
 * - A hint that asks for another attempt is combined with any delay.
 *
 * Instants are measured by the clock of the server, if its Date header shows it (RFC 9110 §6.6.1).
 */
export function readHint(reply: Reply, candidates: readonly Dialect[] = dialects): Hint | undefined {
  const hints = readHints({ ...reply, now: serverNow(reply) }, candidates);
  const forbidding = hints.find(({ retry }) => retry === false);
  if (forbidding !== undefined) return forbidding;
  const requesting = hints.find(({ retry }) => retry === true);
  const hint = hints.find(({ delay }) => delay !== undefined) ?? requesting ?? hints[0];
  return hint === undefined
    ? undefined
    : { ...scopeAndLimit(hints), ...hint, ...(requesting !== undefined && { retry: true }) };
}

/** Scope and limit may come from another dialect than the delay: Retry-After has neither. */
function scopeAndLimit(hints: readonly Hint[]): Pick<Hint, "scope" | "limit"> {
  const scope = hints.find((hint) => hint.scope !== undefined)?.scope;
  const limit = hints.find((hint) => hint.limit !== undefined)?.limit;
  return { ...(scope !== undefined && { scope }), ...(limit !== undefined && { limit }) };
}

function readHints(reply: Reply, candidates: readonly Dialect[]): readonly Hint[] {
  return candidates.flatMap((dialect) => {
    const hint = callDialect(dialect, reply);
    return hint === undefined ? [] : [withValidDelay(withValidScope(hint))];
  });
}

const dialectWarning = {
  what: "A dialect threw, and its hint is missing",
  code: "HOLDFAST_DIALECT",
} as const;
const dialectsThatThrew = new WeakSet<Dialect>();

/** A user's dialect that throws loses its hint, not the response. The first throw emits a process warning. */
function callDialect(dialect: Dialect, reply: Reply): Hint | undefined {
  try {
    return dialect(reply);
  } catch (error) {
    if (!dialectsThatThrew.has(dialect)) warn(dialectWarning, error);
    dialectsThatThrew.add(dialect);
    return undefined;
  }
}

/** Leaves out the name of a limit that is too long to be one. */
function withValidScope(hint: Hint): Hint {
  if (hint.scope === undefined) return hint;
  const { scope: written, ...rest } = hint;
  const scope = toBucketName(written);
  return scope === undefined ? rest : { ...rest, scope };
}

/** A user's dialect may return any delay. */
function withValidDelay(hint: Hint): Hint {
  if (hint.delay === undefined) return hint;
  const { delay, ...rest } = hint;
  return Number.isNaN(delay) ? rest : { ...rest, delay: clampDelay(delay) };
}

// Date has whole seconds and is slightly old on arrival: a smaller difference says nothing about the clocks.
const minSkew = 2_000;
// A clock that is further off is not usable.
const maxSkew = 366 * 86_400_000;

/** Returns the server's time. Age is how long a cache kept the response, and its Date with it (RFC 9111 §5.1). */
export function serverNow({ headers, now }: Pick<Reply, "headers" | "now">): number {
  const date = parseHttpDate(headers.get("date") ?? "", now);
  if (date === undefined) return now;
  const age = /^\d{1,9}$/.exec(headers.get("age") ?? "")?.[0] ?? "0";
  const serverTime = date + Number(age) * 1_000;
  const skew = Math.abs(now - serverTime);
  return skew < minSkew || skew > maxSkew ? now : serverTime;
}
