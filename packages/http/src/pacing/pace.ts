import type { StatedLimit } from "../retry/dialects/dialect.ts";
import { takeSample, reducedSpeed, initialSpeed, type Sample } from "./estimate.ts";
import { departureGap, searching, statedSpeed, limitWindow, type Speed } from "./rate.ts";
import { countAccepted, second, type Tally } from "./tally.ts";

/**
 * What is known of a limit that a server has shown, and when the next request may leave: plain data, instants on the
 * clock in milliseconds.
 *
 * A limit becomes known by being hit. From then on requests leave one by one, just below the rate that was refused.
 */
export interface Pace {
  /** Nobody leaves before this instant. */
  readonly opensAt: number;
  /** When the server last said stop; answers to what had left before are part of the same burst. */
  readonly stoppedAt: number;
  /** When it said so after something had been accepted, and how many stops have followed with nothing accepted since. */
  readonly fullAt: number;
  readonly misses: number;
  /** The last place in the row of departures. */
  readonly leftAt: number;
  readonly speed: Speed;
  readonly tally: Tally;
  /** Whether the server spoke of trouble, and has served nobody since. */
  readonly troubled?: boolean;
  /** The latest burst that met a refusal, as long as answers of it may still come. */
  readonly burst?: Burst | undefined;
}

/**
 * What came of the requests that were under way when the server said stop. Where those that left after the refused one were
 * accepted, it was not for asking too often that it was refused: a limit refuses all, or most.
 */
interface Burst {
  /** When the request left that was refused first. */
  readonly refusedAt: number;
  readonly refusals: number;
  /** Accepted ones that left after it. */
  readonly spared: number;
  readonly sample: Sample;
  readonly before: Speed;
  /** The speed of who kept a pace, where the stop was meant so; undefined where it has to be measured. */
  readonly slower: Speed | undefined;
}

/** A server's word that it has had enough. */
export interface LimitHit {
  readonly now: number;
  /** When the request left that the word answers. */
  readonly leftAt: number;
  /** The wait that follows, in milliseconds. */
  readonly delay: number;
  /** Whether the server named the wait; else it is the client's own back-off. */
  readonly asked: boolean;
  /** What the server says that it allows. */
  readonly limit?: StatedLimit | undefined;
  /** Whether the request was accepted, and was only the last one for now. */
  readonly accepted: boolean;
  /** Whether it is trouble that the server speaks of, such as a 503, rather than a limit. */
  readonly trouble: boolean;
  /** Whether requests were waiting for their turn: else it was not the pace that was too fast. */
  readonly pressed: boolean;
}

/** Who is at a gate, beside the request that it is about. */
export interface Load {
  readonly underWay: number;
  readonly waiting: number;
}

// What a timer is late by is caught up with, as long as that stays within the margin of a second.
const latenessMs = 20;
// Who was a little too fast is in time again by the next place or the one after; who was not waits ever longer.
const missedPlaces = 2;
const longestGuess = 10_000;
// Whoever goes first may never come back.
const longestProbe = 5_000;
const forgetMs = 600_000;
// So many at once are refused for a reason that they share.
const manyRefusals = 3;

/** A pace that limits nothing, with what has been accepted so far. */
export function freePace(tally: Tally): Pace {
  const never = -Infinity;
  return {
    opensAt: never,
    stoppedAt: never,
    fullAt: never,
    misses: 0,
    leftAt: never,
    speed: { at: "free" },
    tally,
  };
}

/** When the next request may leave: now or earlier where nothing stands in its way. */
export function nextDeparture(pace: Pace, now: number, { underWay, waiting }: Load): number {
  const { speed, opensAt, leftAt } = pace;
  if (speed.at === "probing" && underWay > 0) return leftAt + longestProbe;
  // Who asks one thing after another waits when told to, and is slow enough besides.
  if (underWay + waiting === 0) return opensAt;
  return Math.max(opensAt, leftAt + departureGap(speed, now));
}

/** Takes note that a request leaves; one that is a little late does not make all behind it late. */
export function afterDeparture(pace: Pace, now: number): Pace {
  const gap = departureGap(pace.speed, now);
  const place = Math.max(pace.opensAt, pace.leftAt + gap);
  return { ...pace, leftAt: Math.max(place, now - toleranceOf(gap)) };
}

/** Takes note that a request was accepted, which had left at `leftAt`. */
export function afterAccepted(pace: Pace, now: number, leftAt: number): Pace {
  if (pace.troubled === true) return afterAccepted({ ...pace, troubled: false }, now, leftAt);
  // Of a burst that met a limit, some answers come behind the first refusal.
  if (leftAt <= pace.stoppedAt)
    return pace.burst === undefined ? pace : judged(pace, spared(pace.burst, leftAt));
  const tally = countAccepted(pace.tally, now);
  if (pace.speed.at !== "probing") return { ...pace, tally };
  return { ...pace, tally, speed: searching(pace.speed.search, now) };
}

/** Takes note that the server said stop. Of a burst, only the first word counts, and the longest wait. */
export function afterLimitHit(pace: Pace, stop: LimitHit): Pace {
  const { now, leftAt, asked } = stop;
  const opensAt = Math.max(pace.opensAt, now + pauseOf(pace, stop));
  if (leftAt <= pace.stoppedAt) return refusedToo(asked ? { ...pace, opensAt } : pace, stop);
  if (stop.accepted && isExpected(pace.speed, stop)) return pace;
  // Trouble at one place is not the server's as a whole, unless it is met at the next one too.
  if (stop.trouble && pace.troubled !== true) return { ...pace, troubled: true };
  const closed = closedUntil(pace, now, opensAt);
  if (stop.limit !== undefined && pace.speed.at !== "told")
    return { ...closed, speed: statedSpeed(stop.limit, opensAt) };
  return judged(closed, burstOf(pace, stop, opensAt));
}

/** Whether nothing is known any more that could hold up a request. */
export function isPaceExpired({ opensAt, leftAt, speed }: Pace, now: number): boolean {
  return now - Math.max(opensAt, leftAt) > Math.max(forgetMs, limitWindow(speed));
}

function toleranceOf(gap: number): number {
  return gap < 50 ? 10 : Math.min(gap / 5, latenessMs);
}

function closedUntil(pace: Pace, now: number, opensAt: number): Pace {
  const misses = missesOf(pace);
  const fullAt = misses === 0 ? now : pace.fullAt;
  const tally = { ...pace.tally, since: opensAt, accepted: 0 };
  return { ...pace, opensAt, stoppedAt: now, fullAt, misses, tally, burst: undefined };
}

/** How often a stop followed on the one before with nothing accepted in between, if there is another one now. */
function missesOf({ misses, stoppedAt, tally }: Pace): number {
  return stoppedAt > -Infinity && tally.accepted === 0 ? misses + 1 : 0;
}

/** The pause that follows: what the server asks for, else a guess that doubles while nothing is accepted. */
function pauseOf(pace: Pace, { now, delay, asked, pressed }: LimitHit): number {
  if (asked) return delay;
  const guess = pressed && keepsPace(pace.speed) ? missedPlaces * departureGap(pace.speed, now) : delay;
  return Math.min(guess * 2 ** missesOf(pace), Math.max(delay, longestGuess));
}

function keepsPace({ at }: Speed): boolean {
  return at === "searching" || at === "holding" || at === "told";
}

/** Who keeps to a limit comes to its end now and then, just before it begins anew: that is no news. */
function isExpected(speed: Speed, { delay }: LimitHit): boolean {
  // A wait until a whole second of a clock is up to a second longer than what is left.
  return (speed.at === "holding" || speed.at === "told") && delay <= limitWindow(speed) + second;
}

function burstOf(pace: Pace, stop: LimitHit, opensAt: number): Burst {
  const { now, leftAt, accepted, trouble, pressed, delay } = stop;
  const { speed: before, tally } = pace;
  const clue = { now, leftAt, accepted, asked: stop.asked ? delay : undefined, opensAt };
  const keptNone = before.at === "free" || before.at === "reopening";
  return {
    refusedAt: leftAt,
    // The last place of a limit is a word on the limit: it needs no refusal to prove it.
    refusals: accepted ? Infinity : trouble ? -Infinity : 1,
    spared: 0,
    sample: takeSample(tally, clue),
    before,
    slower: keptNone ? undefined : pressed && !trouble ? reducedSpeed(pace, clue) : before,
  };
}

function refusedToo(pace: Pace, { accepted, trouble }: LimitHit): Pace {
  const { burst } = pace;
  return burst === undefined || accepted || trouble
    ? pace
    : judged(pace, { ...burst, refusals: burst.refusals + 1 });
}

function spared(burst: Burst, leftAt: number): Burst {
  const { sample, refusedAt } = burst;
  const more = leftAt > refusedAt ? 1 : 0;
  return { ...burst, spared: burst.spared + more, sample: { ...sample, count: sample.count + 1 } };
}

/** The speed that a burst speaks for. */
function judged(pace: Pace, burst: Burst): Pace {
  const { refusals, spared, before, slower } = burst;
  if (slower !== undefined) return { ...pace, burst, speed: spared > refusals ? before : slower };
  // A refusal or two may have had any reason; who kept no pace has not asked for it.
  if (refusals >= manyRefusals && refusals > spared) return measured({ ...pace, burst }, burst.sample);
  return { ...pace, burst, speed: { at: "reopening", since: pace.opensAt } };
}

function measured(pace: Pace, sample: Sample): Pace {
  // No limit counts over less than a second; one that took nobody has perhaps not been met at all.
  const shortest = sample.count > 0 ? pace.stoppedAt + second : -Infinity;
  const opensAt = Math.max(pace.opensAt, shortest);
  const tally = { ...pace.tally, since: opensAt };
  return { ...pace, opensAt, tally, speed: initialSpeed(sample, opensAt) };
}
