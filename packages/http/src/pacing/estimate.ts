import {
  carefulSearch,
  firstSearch,
  departureGap,
  isCareful,
  quickSearch,
  currentRate,
  triedSearch,
  limitWindow,
  type Speed,
} from "./rate.ts";
import { acceptedInLastSecond, second, type Tally } from "./tally.ts";

/** So many accepted in so many milliseconds. */
export interface Sample {
  readonly count: number;
  readonly span: number;
  /** Whether that tells the limit; else it is only a rate to begin with. */
  readonly telling: boolean;
}

/** A stop, as far as it tells how high a limit is. */
export interface Clue {
  readonly now: number;
  /** When the request left that met the limit. */
  readonly leftAt: number;
  /** Whether it was accepted, and was only the last one for now. */
  readonly accepted: boolean;
  /** The wait that the server named, in milliseconds; undefined where it named none. */
  readonly asked: number | undefined;
  /** The instant at which it opens again. */
  readonly opensAt: number;
}

/** What happened since the limit was met before. */
export interface Cycle {
  readonly speed: Speed;
  readonly tally: Tally;
  /** When the limit was met before, and how often again with nothing accepted since. */
  readonly fullAt: number;
  readonly misses: number;
}

// Too few to tell a rate from.
const smallSample = 3;
// Waits are named in whole seconds, of a clock's too: of a short one, half may be rounding.
const roundedWait = 3 * second;
// Where a refusal costs the pause that the server names, the limit is approached slowly, and elsewhere faster.
const slowApproach = 40_000;
const quickApproach = 20_000;
// A stop soon after a reopening says that the rate is too high, perhaps by far, a late one that it is a little too high.
const soonCuts = [0.95, 0.5] as const;
const lateCuts = [1, 0.98] as const;

/**
 * What was accepted in the time that the limit counts over: the last second, or where the server wants a longer wait, the
 * cycle that ends with it.
 */
export function takeSample(tally: Tally, { now, asked, opensAt }: Clue): Sample {
  // Where the server names no time, a burst that it took may be a small part of what it allows in a second.
  if (asked === undefined || asked <= second)
    return { count: acceptedInLastSecond(tally, now), span: second, telling: asked !== undefined };
  const span = Math.max(second, opensAt - tally.since);
  return { count: tally.accepted, span, telling: asked > roundedWait };
}

/** The speed to begin with for those who kept none, and met a limit. */
export function initialSpeed({ count, span, telling }: Sample, since: number): Speed {
  const rate = count / span;
  if (count === 0) return { at: "probing", search: firstSearch };
  if (count < smallSample) return quickSearch(rate, since);
  if (!telling) return triedSearch(rate, since);
  return { at: "holding", ceiling: rate, since, window: Math.max(second, span), approach: slowApproach };
}

/** The speed of those who kept one and were told to stop all the same. */
export function reducedSpeed(cycle: Cycle, clue: Clue): Speed {
  const { speed, tally } = cycle;
  if (tally.accepted === 0) return anew(speed, clue.now);
  return speed.at === "searching" ? afterSearch(speed, cycle, clue) : lowered(cycle, clue);
}

/** Refused before anything was accepted: the limit has not begun anew, which says nothing of its height. */
function anew(speed: Speed, now: number): Speed {
  if (speed.at !== "searching" || now <= speed.since) return speed;
  const { rate, doubling } = speed;
  return { at: "probing", search: { rate, doubling } };
}

function afterSearch(
  speed: Extract<Speed, { at: "searching" }>,
  cycle: Cycle,
  { now, leftAt, opensAt, accepted }: Clue,
): Speed {
  if (now < speed.since)
    return carefulSearch(Math.min(currentRate(speed, now), average(cycle, now)), opensAt);
  if (!isCareful(speed)) return carefulSearch(lastGoodRate(speed, leftAt), opensAt);
  // A limit on a second is met by what left in all of it, the mean of which left in its middle.
  const ceiling = currentRate(speed, accepted ? leftAt : leftAt - second / 2);
  return { at: "holding", ceiling, since: opensAt, window: second, approach: quickApproach };
}

function lowered(cycle: Cycle, { now, asked, opensAt }: Clue): Speed {
  const { speed, tally, misses } = cycle;
  const rate = currentRate(speed, now);
  const window = Math.max(limitWindow(speed), asked ?? 0);
  const [most, least] = now - tally.since < window || misses > 0 ? soonCuts : lateCuts;
  const allowed = average(cycle, now);
  const ceiling = Math.max(Math.min(allowed, rate * most), rate * least);
  const approach = asked === undefined ? quickApproach : slowApproach;
  return { at: "holding", ceiling, since: opensAt, window, approach };
}

/** From one stop to the next, the pause included, no server accepts more than its limit; the last one came half-way. */
function average({ tally, fullAt }: Cycle, now: number): number {
  return (tally.accepted + 0.5) / (now - fullAt);
}

/** The rate of the departure before the last that was accepted: a search is quicker than the answers. */
function lastGoodRate(speed: Speed, leftAt: number): number {
  const refused = leftAt - departureGap(speed, leftAt);
  return currentRate(speed, refused - departureGap(speed, refused));
}
