import type { StatedLimit } from "../retry/dialects/dialect.ts";
import { takeSample, reducedSpeed, initialSpeed, type Sample } from "./estimate.ts";
import { departureGap, searching, statedSpeed, limitWindow, type Speed } from "./rate.ts";
import { countAccepted, second, type Tally } from "./tally.ts";

/**
 * The state of a rate limit, from which the time of the next request follows. Plain data; instants are on the clock in
 * milliseconds.
 *
 * A limit becomes known when it is hit. From then on requests are sent one by one, just below the refused rate.
 */
export interface Pace {
  /** No request is sent before this instant. */
  readonly opensAt: number;
  /** When the limit was last hit. Responses to requests sent before belong to the same burst. */
  readonly stoppedAt: number;
  /** When the limit was hit after an accepted request, and how often it was hit again with nothing accepted since. */
  readonly fullAt: number;
  readonly misses: number;
  /** The scheduled time of the last request. */
  readonly leftAt: number;
  readonly speed: Speed;
  readonly tally: Tally;
  /** Whether the server reported a failure and has accepted no request since. */
  readonly troubled?: boolean;
  /** The latest burst with a refusal, while its responses may still arrive. */
  readonly burst?: Burst | undefined;
}

/**
 * The results of the requests that were in flight when the limit was hit. If requests sent after the refused one were
 * accepted, the rate was not the reason of the refusal: a limit refuses all of them, or most.
 */
interface Burst {
  /** When the first refused request was sent. */
  readonly refusedAt: number;
  readonly refusals: number;
  /** Accepted requests that were sent after it. */
  readonly spared: number;
  readonly sample: Sample;
  readonly before: Speed;
  /** The reduced speed, if a speed was known. Undefined if it has to be measured. */
  readonly slower: Speed | undefined;
}

/** A response that says that the limit is reached. */
export interface LimitHit {
  readonly now: number;
  /** When its request was sent. */
  readonly leftAt: number;
  /** The pause, in milliseconds. */
  readonly delay: number;
  /** Whether the server stated the pause. Otherwise it is the back-off. */
  readonly asked: boolean;
  /** The limit that the server states. */
  readonly limit?: StatedLimit | undefined;
  /** Whether the request was accepted: the limit is reached, but not exceeded. */
  readonly accepted: boolean;
  /** Whether the server reports a failure such as a 503, not a limit. */
  readonly trouble: boolean;
  /** Whether requests were waiting. Otherwise the rate was not limited by the pace. */
  readonly pressed: boolean;
}

/** The other requests of a limiter. */
export interface Load {
  readonly underWay: number;
  readonly waiting: number;
}

// Late timers are compensated, within the margin of a second.
const latenessMs = 20;
// A request that was slightly too early skips two slots. The pause doubles if that is not enough.
const missedPlaces = 2;
const longestGuess = 10_000;
// The probe may never return.
const longestProbe = 5_000;
const forgetMs = 600_000;
// This many refusals at once have a common reason.
const manyRefusals = 3;

/** Returns a pace without a limit, with the requests accepted so far. */
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

/** Returns when the next request may be sent. Now or earlier means immediately. */
export function nextDeparture(pace: Pace, now: number, { underWay, waiting }: Load): number {
  const { speed, opensAt, leftAt } = pace;
  if (speed.at === "probing" && underWay > 0) return leftAt + longestProbe;
  // Sequential requests only wait for the pause: they are slow enough.
  if (underWay + waiting === 0) return opensAt;
  return Math.max(opensAt, leftAt + departureGap(speed, now));
}

/** Returns the pace after a request was sent. One that is slightly late does not delay the following ones. */
export function afterDeparture(pace: Pace, now: number): Pace {
  const gap = departureGap(pace.speed, now);
  const place = Math.max(pace.opensAt, pace.leftAt + gap);
  return { ...pace, leftAt: Math.max(place, now - lateTolerance(gap)) };
}

/** Returns the pace after the request sent at `leftAt` was accepted. */
export function afterAccepted(pace: Pace, now: number, leftAt: number): Pace {
  if (pace.troubled === true) return afterAccepted({ ...pace, troubled: false }, now, leftAt);
  // Some accepted responses of a burst arrive after its first refusal.
  if (leftAt <= pace.stoppedAt)
    return pace.burst === undefined ? pace : withBurst(pace, withAccepted(pace.burst, leftAt));
  const tally = countAccepted(pace.tally, now);
  if (pace.speed.at !== "probing") return { ...pace, tally };
  return { ...pace, tally, speed: searching(pace.speed.search, now) };
}

/** Returns the pace after the limit was hit. In a burst, only the first hit counts, and the longest pause. */
export function afterLimitHit(pace: Pace, stop: LimitHit): Pace {
  const { now, leftAt, asked } = stop;
  const opensAt = Math.max(pace.opensAt, now + choosePause(pace, stop));
  if (leftAt <= pace.stoppedAt) return withFurtherRefusal(asked ? { ...pace, opensAt } : pace, stop);
  if (stop.accepted && isExpected(pace.speed, stop)) return pace;
  // A failure of one resource does not concern the whole server, unless the next request fails, too.
  if (stop.trouble && pace.troubled !== true) return { ...pace, troubled: true };
  const closed = closeUntil(pace, now, opensAt);
  if (stop.limit !== undefined && pace.speed.at !== "stated")
    return { ...closed, speed: statedSpeed(stop.limit, opensAt) };
  return withBurst(closed, toBurst(pace, stop, opensAt));
}

/** Returns whether the state is too old to delay a request. */
export function isPaceExpired({ opensAt, leftAt, speed }: Pace, now: number): boolean {
  return now - Math.max(opensAt, leftAt) > Math.max(forgetMs, limitWindow(speed));
}

function lateTolerance(gap: number): number {
  return gap < 50 ? 10 : Math.min(gap / 5, latenessMs);
}

function closeUntil(pace: Pace, now: number, opensAt: number): Pace {
  const misses = countMisses(pace);
  const fullAt = misses === 0 ? now : pace.fullAt;
  const tally = { ...pace.tally, since: opensAt, accepted: 0 };
  return { ...pace, opensAt, stoppedAt: now, fullAt, misses, tally, burst: undefined };
}

/** Returns how often in a row the limit was hit with nothing accepted in between, this time included. */
function countMisses({ misses, stoppedAt, tally }: Pace): number {
  return stoppedAt > -Infinity && tally.accepted === 0 ? misses + 1 : 0;
}

/** Returns the stated pause, otherwise a guess that doubles while nothing is accepted. */
function choosePause(pace: Pace, { now, delay, asked, pressed }: LimitHit): number {
  if (asked) return delay;
  const guess = pressed && isRateKnown(pace.speed) ? missedPlaces * departureGap(pace.speed, now) : delay;
  return Math.min(guess * 2 ** countMisses(pace), Math.max(delay, longestGuess));
}

function isRateKnown({ at }: Speed): boolean {
  return at === "searching" || at === "holding" || at === "stated";
}

/** A client that keeps to a limit reaches its end now and then, just before it resets: that changes nothing. */
function isExpected(speed: Speed, { delay }: LimitHit): boolean {
  // A wait until a whole second is up to a second longer than the window.
  return (speed.at === "holding" || speed.at === "stated") && delay <= limitWindow(speed) + second;
}

function toBurst(pace: Pace, stop: LimitHit, opensAt: number): Burst {
  const { now, leftAt, accepted, trouble, pressed, delay } = stop;
  const { speed: before, tally } = pace;
  const clue = { now, leftAt, accepted, asked: stop.asked ? delay : undefined, opensAt };
  const keptNone = before.at === "free" || before.at === "reopening";
  return {
    refusedAt: leftAt,
    // An accepted request that exhausts the limit proves it without a refusal.
    refusals: accepted ? Infinity : trouble ? -Infinity : 1,
    spared: 0,
    sample: takeSample(tally, clue),
    before,
    slower: keptNone ? undefined : pressed && !trouble ? reducedSpeed(pace, clue) : before,
  };
}

function withFurtherRefusal(pace: Pace, { accepted, trouble }: LimitHit): Pace {
  const { burst } = pace;
  return burst === undefined || accepted || trouble
    ? pace
    : withBurst(pace, { ...burst, refusals: burst.refusals + 1 });
}

function withAccepted(burst: Burst, leftAt: number): Burst {
  const { sample, refusedAt } = burst;
  const more = leftAt > refusedAt ? 1 : 0;
  return { ...burst, spared: burst.spared + more, sample: { ...sample, count: sample.count + 1 } };
}

/** Returns the pace with the speed that follows from a burst. */
function withBurst(pace: Pace, burst: Burst): Pace {
  const { refusals, spared, before, slower } = burst;
  if (slower !== undefined) return { ...pace, burst, speed: spared > refusals ? before : slower };
  // One or two refusals may have any reason, if no speed was known.
  if (refusals >= manyRefusals && refusals > spared)
    return withMeasuredSpeed({ ...pace, burst }, burst.sample);
  return { ...pace, burst, speed: { at: "reopening", since: pace.opensAt } };
}

function withMeasuredSpeed(pace: Pace, sample: Sample): Pace {
  // No limit has a window below a second. Without an accepted request, the limit may not have been hit at all.
  const shortest = sample.count > 0 ? pace.stoppedAt + second : -Infinity;
  const opensAt = Math.max(pace.opensAt, shortest);
  const tally = { ...pace.tally, since: opensAt };
  return { ...pace, opensAt, tally, speed: initialSpeed(sample, opensAt) };
}
