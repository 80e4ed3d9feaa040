import { parseHttpDate } from "../../model/http-date.ts";
import { within } from "../retry-after.ts";
import { anthropic } from "./anthropic.ts";
import { asked } from "./server-hint.ts";
import { aws } from "./aws.ts";
import type { Dialect, Hint, Reply } from "./dialect.ts";
import { discord } from "./discord.ts";
import { github } from "./github.ts";
import { google } from "./google.ts";
import { hubspot } from "./hubspot.ts";
import { openai } from "./openai.ts";
import { problem } from "./problem.ts";
import { rateLimit } from "./rate-limit.ts";
import { rateLimitTrio } from "./rate-limit-legacy.ts";
import { retryAfter } from "./retry-after.ts";
import { shopify } from "./shopify.ts";
import { toldInBody } from "./retry-after-in-body.ts";
import { envoy, grpcPushback, shouldRetry } from "./should-retry.ts";
import { xRateLimit } from "./x-rate-limit.ts";

/**
 * The dialects of "slow down" that a `Retry` understands, the weightiest first: Retry-After, the standard to come, the
 * vendors that can be told by their marks, and what is left of X-RateLimit.
 */
export const dialects: readonly Dialect[] = Object.freeze([
  retryAfter,
  rateLimit,
  rateLimitTrio,
  problem,
  shouldRetry,
  grpcPushback,
  envoy,
  github,
  openai,
  anthropic,
  google,
  aws,
  hubspot,
  discord,
  toldInBody,
  shopify,
  xRateLimit,
]);

/**
 * Says what an answer asks for in any of some dialects. The first that names a wait has its way, as Retry-After has
 * before RateLimit; one that forbids another attempt overrules all, and one that asks for it goes with any wait.
 *
 * The clock that instants are measured by is the server's, where its Date header shows it (RFC 9110 §6.6.1).
 */
export function hintOf(reply: Reply, spoken: readonly Dialect[] = dialects): Hint | undefined {
  const hints = hintsOf({ ...reply, now: serverNow(reply) }, spoken);
  const veto = hints.find(({ retry }) => retry === false);
  if (veto !== undefined) return veto;
  const wanted = hints.find(({ retry }) => retry === true);
  const hint = hints.find(({ delay }) => delay !== undefined) ?? wanted ?? hints[0];
  return hint === undefined
    ? undefined
    : { ...restOf(hints), ...hint, ...(wanted !== undefined && { retry: true }) };
}

/** Whose limit it is, and how high, may stand in another dialect than the wait: Retry-After tells neither. */
function restOf(hints: readonly Hint[]): Pick<Hint, "scope" | "limit"> {
  const scope = hints.find((hint) => hint.scope !== undefined)?.scope;
  const limit = hints.find((hint) => hint.limit !== undefined)?.limit;
  return { ...(scope !== undefined && { scope }), ...(limit !== undefined && { limit }) };
}

function hintsOf(reply: Reply, spoken: readonly Dialect[]): readonly Hint[] {
  return spoken.flatMap((dialect) => {
    const hint = asked(dialect, reply);
    return hint === undefined ? [] : [bounded(hint)];
  });
}

/** A dialect of the caller's own may give anything. */
function bounded(hint: Hint): Hint {
  if (hint.delay === undefined) return hint;
  const { delay, ...rest } = hint;
  return Number.isNaN(delay) ? rest : { ...rest, delay: within(delay) };
}

// Date has whole seconds, and is a little old when it comes: so much says nothing of the clocks.
const noSkew = 2_000;
// A clock that is further off is none to measure by.
const mostSkew = 366 * 86_400_000;

/** Age is how long a cache kept the answer, and its Date with it (RFC 9111 §5.1). */
function serverNow({ headers, now }: Reply): number {
  const date = parseHttpDate(headers.get("date") ?? "", now);
  if (date === undefined) return now;
  const age = /^\d{1,9}$/.exec(headers.get("age") ?? "")?.[0] ?? "0";
  const there = date + Number(age) * 1_000;
  const skew = Math.abs(now - there);
  return skew < noSkew || skew > mostSkew ? now : there;
}
