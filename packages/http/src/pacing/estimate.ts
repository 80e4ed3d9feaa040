import {
  carefulSearch,
  firstSearch,
  sendInterval,
  isCareful,
  quickSearch,
  currentRate,
  triedSearch,
  limitWindow,
  type GuessedWindow,
  type Speed,
} from "./rate.ts";
import { guessedWindow } from "./guessed-window.ts";
import { acceptedInLastSecond, second, type Tally } from "./tally.ts";

/** A number of accepted requests in a number of milliseconds. */
export interface Sample {
  readonly count: number;
  readonly span: number;
  /** Whether the sample shows the limit. Otherwise it is only an initial rate. */
  readonly showsLimit: boolean;
  /** When the limit was hit, if its window is to be guessed. */
  readonly guessedSince?: number | undefined;
}

/** The facts of a limit hit that show how high the limit is. */
export interface LimitEvidence {
  readonly now: number;
  /** When the request that hit the limit was sent. */
  readonly sentAt: number;
  /** Whether the request was accepted: the limit is reached, but not exceeded. */
  readonly accepted: boolean;
  /** The pause that the server stated, in milliseconds. Undefined if it stated none. */
  readonly statedDelay: number | undefined;
  /** The end of the pause. */
  readonly pausedUntil: number;
  /** Whether requests are spread evenly over a window. */
  readonly isEven?: boolean | undefined;
}

/** The state since the limit was hit before. */
export interface Cycle {
  readonly speed: Speed;
  readonly tally: Tally;
  /** When the limit was hit before, and how often again with nothing accepted since. */
  readonly fullAt: number;
  readonly misses: number;
}

// Too few requests to measure a rate.
const smallSample = 3;
// Pauses are stated in whole seconds: half of a short one may be rounding.
const roundedWait = 3 * second;
// If a refusal costs a stated pause, the limit is approached slowly, otherwise faster.
const slowApproach = 40_000;
const quickApproach = 20_000;
// A hit soon after the pause means that the rate is much too high. A late hit means that it is slightly too high.
const soonCuts = [0.95, 0.5] as const;
const lateCuts = [1, 0.98] as const;

/**
 * Returns the requests accepted in the window of the limit: the last second, or the current cycle if the server states a
 * longer pause.
 */
export function takeSample(tally: Tally, evidence: LimitEvidence): Sample {
  const { now, statedDelay, pausedUntil, isEven } = evidence;
  if (statedDelay === undefined && isEven !== true)
    return { count: acceptedInLastSecond(tally, now), span: second, showsLimit: false, guessedSince: now };
  // If the server states no pause, an accepted burst may be a small part of its limit per second.
  if (statedDelay === undefined || statedDelay <= second)
    return { count: acceptedInLastSecond(tally, now), span: second, showsLimit: statedDelay !== undefined };
  const span = Math.max(second, pausedUntil - tally.since);
  return { count: tally.accepted, span, showsLimit: statedDelay > roundedWait };
}

/** Returns the speed after the first hit of a limit. */
export function initialSpeed({ count, span, showsLimit, guessedSince }: Sample, since: number): Speed {
  const rate = count / span;
  if (count === 0) return { at: "probing", search: firstSearch };
  if (count < smallSample) return quickSearch(rate, since);
  if (guessedSince !== undefined) return guessedWindow(count, guessedSince, since);
  if (!showsLimit) return triedSearch(rate, since);
  return { at: "holding", ceiling: rate, since, window: Math.max(second, span), approach: slowApproach };
}

/** Returns the speed after a further hit of a limit. */
export function reducedSpeed(cycle: Cycle, evidence: LimitEvidence): Speed {
  const { speed, tally } = cycle;
  if (tally.accepted === 0) return afterRefusalAtReset(speed, evidence.now);
  return speed.at === "searching" ? afterSearch(speed, cycle, evidence) : lowerSpeed(cycle, evidence);
}

/** Refused before any request was accepted: the limit has not reset, which says nothing about its height. */
function afterRefusalAtReset(speed: Speed, now: number): Speed {
  if (speed.at !== "searching" || now <= speed.since) return speed;
  const { rate, doubling } = speed;
  return { at: "probing", search: { rate, doubling } };
}

function afterSearch(
  speed: Extract<Speed, { at: "searching" }>,
  cycle: Cycle,
  { now, sentAt, pausedUntil, accepted }: LimitEvidence,
): Speed {
  if (now < speed.since)
    return carefulSearch(Math.min(currentRate(speed, now), average(cycle, now)), pausedUntil);
  if (!isCareful(speed)) return carefulSearch(lastGoodRate(speed, sentAt), pausedUntil);
  // A limit per second counts the requests of the whole second, which were sent in its middle on average.
  const ceiling = currentRate(speed, accepted ? sentAt : sentAt - second / 2);
  return { at: "holding", ceiling, since: pausedUntil, window: second, approach: quickApproach };
}

function lowerSpeed(cycle: Cycle, { now, statedDelay, pausedUntil }: LimitEvidence): Speed {
  const { speed, tally, misses } = cycle;
  const rate = currentRate(speed, now);
  const window = Math.max(limitWindow(speed), statedDelay ?? 0);
  const [most, least] = now - tally.since < window || misses > 0 ? soonCuts : lateCuts;
  const allowed = average(cycle, now);
  const ceiling = Math.max(Math.min(allowed, rate * most), rate * least);
  const approach = statedDelay === undefined ? quickApproach : slowApproach;
  return { at: "holding", ceiling, since: pausedUntil, window, approach };
}

/** Returns the speed if no window explains which requests are refused, such as with a token bucket. */
export function speedWithoutWindow(guess: GuessedWindow, now: number, pausedUntil: number): Speed {
  const { limit, accepted, since, longest } = guess;
  if (longest === Infinity)
    return { at: "probing", search: { ...firstSearch, rate: limit / Math.max(second, now - since) } };
  const ceiling = (accepted + 0.5) / longest;
  return { at: "holding", ceiling, since: pausedUntil, window: longest, approach: quickApproach };
}

/** Returns the average rate from one hit to the next, pause included. No server accepts more than its limit. */
function average({ tally, fullAt }: Cycle, now: number): number {
  return (tally.accepted + 0.5) / (now - fullAt);
}

/** Returns the rate before the last accepted request: a search is faster than its responses. */
function lastGoodRate(speed: Speed, sentAt: number): number {
  const refused = sentAt - sendInterval(speed, sentAt);
  return currentRate(speed, refused - sendInterval(speed, refused));
}
