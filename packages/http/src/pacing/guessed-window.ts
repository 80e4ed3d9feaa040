import { triedSearch, type GuessedWindow, type Speed } from "./rate.ts";
import { second } from "./tally.ts";

type Guessed = Extract<Speed, { at: "guessed" }>;
type Bounds = Pick<GuessedWindow, "shortest" | "longest">;

// Most windows are one of these. The gaps are not longer than ten seconds, because the guess may be wrong.
const usualWindows: readonly number[] = [1, 2, 3, 5, 10, 15, 20, 30, 40, 50, 60].map(
  (length) => length * second,
);
// A length that is known this well is not searched any further.
const precision = 0.05;
// Windows that are not longer than this are left to an even pace, which uses them as well.
const shortWindow = 1.1 * second;
// A window that ends slightly later than the last one did.
const slightlyLonger = 1.05;
// A sliding window reopens step by step: this many refusals at its beginning, each a step apart, are no sign of its height.
const mostEarlyRefusals = 1;
// Whether the limit has become higher is tried once in this many windows.
const windowsBetweenTrials = 8;
// The milliseconds in which an even pace approaches its ceiling.
const approach = 20_000;
// A probe may never return.
const longestProbe = 5_000;
// A window that accepts a smaller share of its limit shows another kind of limit, such as a token bucket.
const leastShare = 0.5;
// Requests in flight beyond the limit, or after a refusal, as a share of it.
const carefulShare = 1 / 16;

/** Returns the speed after a burst of which `limit` requests were accepted, until the others were refused at `since`. */
export function guessedWindow(limit: number, since: number, opensAt: number): Guessed {
  return {
    at: "guessed",
    limit,
    isExact: false,
    isProven: false,
    since,
    shortest: 0,
    longest: Infinity,
    misses: 0,
    windows: 1,
    resumesAt: undefined,
    opensAt,
    probedAt: undefined,
    sent: limit,
    accepted: limit,
  };
}

/** Returns when the next request may be sent. */
export function guessedOpensAt(guess: GuessedWindow, now: number, inFlight: number): number {
  const { probedAt, opensAt, resumesAt, sent, accepted } = guess;
  if (probedAt !== undefined) return inFlight > 0 ? probedAt + longestProbe : -Infinity;
  if (now >= opensAt) return -Infinity;
  if (now < (resumesAt ?? now)) return Math.min(opensAt, resumesAt ?? now);
  return Math.min(inFlight, sent - accepted) < maxInFlight(guess) ? -Infinity : opensAt;
}

/** Returns how many requests may be in flight. Their number doubles until a window has accepted the whole limit. */
function maxInFlight(guess: GuessedWindow): number {
  const { sent, accepted, limit, isProven, misses } = guess;
  if (isGuessedFull(guess)) return 0;
  if (sent >= limit || misses > 0) return Math.ceil(limit * carefulShare);
  return isProven ? limit : accepted;
}

/** Returns whether the window is exhausted, as far as known. */
export function isGuessedFull({ sent, limit, isExact, longest }: GuessedWindow): boolean {
  // The first window is exhausted by definition.
  return longest === Infinity || (sent >= limit && isExact);
}

/** Returns the window after a request was sent. */
export function afterGuessedSent(guess: Guessed, now: number): Guessed {
  const isProbe = guess.probedAt !== undefined || now >= guess.opensAt;
  return isProbe ? { ...guess, probedAt: now } : { ...guess, sent: guess.sent + 1 };
}

/** Returns the speed after the request sent at `sentAt` was accepted. */
export function afterGuessedAccepted(guess: Guessed, now: number, sentAt: number): Speed {
  const { probedAt, since, shortest, limit, windows, resumesAt } = guess;
  // The response of an earlier window.
  if (sentAt < since) return guess;
  if (probedAt === undefined || sentAt < probedAt)
    return sentAt < (resumesAt ?? Infinity) ? withAccepted(guess) : slidingSpeed(guess, now);
  // The limit may be one per second, or a bucket, for which there is no need to wait.
  if (shortest === 0 && windows === 1) return triedSearch(limit / second, now);
  const longest = Math.max(shortest, Math.min(guess.longest, probedAt - since));
  if (longest <= shortWindow) return triedSearch(limit / longest, now);
  return opened(guess, now, { shortest: windows === 1 ? 0 : shortest, longest });
}

function opened(guess: Guessed, now: number, { shortest, longest }: Bounds): Guessed {
  return {
    ...guess,
    shortest,
    longest,
    since: now,
    opensAt: now + nextLength({ shortest, longest }),
    probedAt: undefined,
    misses: 0,
    resumesAt: undefined,
    sent: 1,
    accepted: 1,
    windows: guess.windows + 1,
    isExact: guess.isExact && guess.windows % windowsBetweenTrials > 0,
  };
}

function withAccepted(guess: Guessed): Guessed {
  const accepted = guess.accepted + 1;
  const isProven = guess.isProven || accepted >= guess.limit;
  return { ...guess, accepted, isProven, limit: Math.max(guess.limit, accepted) };
}

/** Returns the even pace of a window that began only in part: a sliding window, which reopens step by step. */
function slidingSpeed({ limit, longest, accepted }: Guessed, now: number): Speed {
  const ceiling = limit / longest;
  // This window has used more than an even pace would have.
  return { at: "holding", ceiling, since: now + accepted / ceiling, window: longest, approach };
}

/** Returns the window after the request sent at `sentAt` was refused. Undefined if the guess was wrong. */
export function afterGuessedRefusal(guess: Guessed, sentAt: number): Guessed | undefined {
  const { probedAt, since, misses } = guess;
  if (probedAt === undefined || sentAt < probedAt) return afterRefusalInside(guess, sentAt);
  const bounds = boundsAfterMiss(guess, sentAt - since);
  const next = Math.min(bounds.longest, usualLength(bounds.shortest));
  if (next === Infinity) return undefined;
  return { ...guess, ...bounds, misses: misses + 1, opensAt: since + next, probedAt: undefined };
}

function afterRefusalInside(guess: Guessed, sentAt: number): Guessed | undefined {
  const { accepted, limit, misses, longest } = guess;
  if (accepted < limit && misses < mostEarlyRefusals)
    return {
      ...guess,
      sent: accepted,
      misses: misses + 1,
      resumesAt: sentAt + longest * (slightlyLonger - 1),
    };
  if (accepted < limit * leastShare) return undefined;
  return { ...guess, limit: accepted, sent: accepted, isExact: true };
}

function boundsAfterMiss({ shortest, longest, misses }: GuessedWindow, age: number): Bounds {
  if (age < longest) return { shortest: Math.max(shortest, age), longest };
  // Timers and networks are inexact, so a window may seem slightly shorter than it is.
  return { shortest: age, longest: misses === 0 ? age * slightlyLonger : Infinity };
}

/** Returns the age of a window at which the next one is tried: earlier than it is sure to be over, to learn the length. */
function nextLength({ shortest, longest }: Bounds): number {
  if (longest - shortest <= precision * longest) return longest;
  // Refusals in the first window say little, because requests from before the guess may have used up the next window.
  const usual = usualWindows.findLast((length) => length * slightlyLonger < longest);
  return usual !== undefined && usual > shortest ? usual : (shortest + longest) / 2;
}

function usualLength(shortest: number): number {
  return usualWindows.find((length) => length > shortest * slightlyLonger) ?? Infinity;
}
