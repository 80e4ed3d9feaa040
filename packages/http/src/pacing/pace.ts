import type { StatedLimit } from "../retry/dialects/dialect.ts";
import { takeSample, reducedSpeed, initialSpeed, speedWithoutWindow, type Sample } from "./estimate.ts";
import {
  afterGuessedAccepted,
  afterGuessedRefusal,
  afterGuessedSent,
  guessedOpensAt,
  isGuessedFull,
} from "./guessed-window.ts";
import { sendInterval, searching, statedSpeed, steadyRate, limitWindow, type Speed } from "./rate.ts";
import type { Quota } from "./quota.ts";
import { countAccepted, second, type Tally } from "./tally.ts";
import {
  afterWindowBurst,
  afterWindowSent,
  afterWindowRefusal,
  afterWindowResponse,
  exhaustedWindow,
  windowOpensAt,
} from "./window.ts";

/**
 * The state of a rate limit, from which the time of the next request follows. Plain data; instants are on the clock in
 * milliseconds.
 *
 * A limit becomes known when it is hit. From then on requests are sent one by one, just below the refused rate.
 */
export interface Pace {
  /** No request is sent before this instant. */
  readonly pausedUntil: number;
  /** When the limit was last hit. Responses to requests sent before belong to the same burst. */
  readonly lastHitAt: number;
  /** When the limit was hit after an accepted request, and how often it was hit again with nothing accepted since. */
  readonly fullAt: number;
  readonly misses: number;
  /** The scheduled time of the last request. */
  readonly sentAt: number;
  readonly speed: Speed;
  readonly tally: Tally;
  /** Whether the server reported a failure and has accepted no request since. */
  readonly serverFailed?: boolean;
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
  readonly acceptances: number;
  readonly sample: Sample;
  readonly before: Speed;
  /** The reduced speed, if a speed was known. Undefined if it has to be measured. */
  readonly slower: Speed | undefined;
}

/** A response that says that the limit is reached. */
export interface LimitHit {
  readonly now: number;
  /** When its request was sent. */
  readonly sentAt: number;
  /** The pause, in milliseconds. */
  readonly delay: number;
  /** Whether the server stated the pause. Otherwise it is the back-off. */
  readonly isDelayStated: boolean;
  /** The limit that the server states. */
  readonly limit?: StatedLimit | undefined;
  /** The limit that the server announces with its remainder and its reset. */
  readonly quota?: Quota | undefined;
  /** Whether the request was accepted: the limit is reached, but not exceeded. */
  readonly accepted: boolean;
  /** Whether the server reports a failure such as a 503, not a limit. */
  readonly isServerFailure: boolean;
  /** Whether requests were waiting. Otherwise the rate was not limited by the pace. */
  readonly hasWaiters: boolean;
  /** Whether requests are spread evenly over a window, instead of sent at its beginning. */
  readonly isEven?: boolean;
}

/** The other requests of a limiter. */
export interface Load {
  readonly inFlight: number;
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
// This many simultaneous refusals have a common reason.
const manyRefusals = 3;

/** Returns a pace without a limit, with the requests accepted so far. */
export function freePace(tally: Tally): Pace {
  const never = -Infinity;
  return {
    pausedUntil: never,
    lastHitAt: never,
    fullAt: never,
    misses: 0,
    sentAt: never,
    speed: { at: "free" },
    tally,
  };
}

/** Returns when the next request may be sent. Now or earlier means immediately. */
export function nextSendTime(pace: Pace, now: number, { inFlight, waiting }: Load): number {
  const { speed, pausedUntil, sentAt } = pace;
  if (speed.at === "windowed") return Math.max(pausedUntil, windowOpensAt(speed, now));
  if (speed.at === "guessed") return Math.max(pausedUntil, guessedOpensAt(speed, now, inFlight));
  if (speed.at === "probing" && inFlight > 0) return sentAt + longestProbe;
  // Sequential requests only wait for the pause: they are slow enough.
  if (inFlight + waiting === 0) return pausedUntil;
  return Math.max(pausedUntil, sentAt + sendInterval(speed, now));
}

/** Returns the pace after a request was sent. One that is slightly late does not delay the following ones. */
export function afterSent(pace: Pace, now: number): Pace {
  if (pace.speed.at === "windowed") return { ...pace, sentAt: now, speed: afterWindowSent(pace.speed, now) };
  if (pace.speed.at === "guessed") return { ...pace, sentAt: now, speed: afterGuessedSent(pace.speed, now) };
  const gap = sendInterval(pace.speed, now);
  const place = Math.max(pace.pausedUntil, pace.sentAt + gap);
  return { ...pace, sentAt: Math.max(place, now - lateTolerance(gap)) };
}

/** Returns the pace after a response announced the quota of a limit that was hit before. Call before `afterAccepted`. */
export function afterQuota(
  pace: Pace,
  { now, sentAt, quota }: { readonly now: number; readonly sentAt: number; readonly quota: Quota },
): Pace {
  if (pace.speed.at !== "windowed") return pace;
  return { ...pace, speed: afterWindowResponse(pace.speed, { now, sentAt, quota }) };
}

/** Returns the pace after the request sent at `sentAt` was accepted. */
export function afterAccepted(pace: Pace, now: number, sentAt: number): Pace {
  if (pace.serverFailed === true) return afterAccepted({ ...pace, serverFailed: false }, now, sentAt);
  if (pace.speed.at === "windowed") {
    const speed = afterWindowResponse(pace.speed, { now, sentAt, quota: undefined });
    return { ...pace, tally: countAccepted(pace.tally, now), speed };
  }
  // Some accepted responses of a burst arrive after its first refusal.
  const isGuessedWindow = pace.speed.at === "guessed" && pace.burst === undefined;
  if (sentAt <= pace.lastHitAt && !isGuessedWindow)
    return pace.burst === undefined ? pace : withBurst(pace, withAccepted(pace.burst, sentAt));
  const tally = countAccepted(pace.tally, now);
  if (pace.speed.at === "guessed") {
    const speed = afterGuessedAccepted(pace.speed, now, sentAt);
    return { ...pace, tally, speed, burst: undefined };
  }
  if (pace.speed.at !== "probing") return { ...pace, tally };
  return { ...pace, tally, speed: searching(pace.speed.search, now) };
}

/** Returns the pace after the limit was hit. In a burst, only the first hit counts, and the longest pause. */
export function afterLimitHit(pace: Pace, hit: LimitHit): Pace {
  const { now, sentAt, isDelayStated } = hit;
  if (isWindowed(pace, hit)) return afterWindowHit(pace, hit);
  if (isGuessed(pace, hit)) return afterGuessedHit(pace, hit);
  const pausedUntil = Math.max(pace.pausedUntil, now + choosePause(pace, hit));
  if (sentAt <= pace.lastHitAt)
    return withFurtherRefusal(isDelayStated ? { ...pace, pausedUntil } : pace, hit);
  return afterFirstHit(pace, hit, pausedUntil);
}

function afterFirstHit(pace: Pace, hit: LimitHit, pausedUntil: number): Pace {
  const { now } = hit;
  if (hit.accepted && isExpected(pace.speed, hit)) return pace;
  // A failure of one resource does not concern the whole server, unless the next request fails, too.
  if (hit.isServerFailure && pace.serverFailed !== true) return { ...pace, serverFailed: true };
  const closed = closeUntil(pace, now, pausedUntil);
  if (isWindow(pace.speed) && hit.isServerFailure) return closed;
  if (hit.limit !== undefined && pace.speed.at !== "stated")
    return { ...closed, speed: statedSpeed(hit.limit, pausedUntil) };
  return withBurst(closed, toBurst(pace, hit, pausedUntil));
}

/** Returns whether the server announces what remains of a window. */
function isWindowed({ speed }: Pace, { quota, accepted, isServerFailure }: LimitHit): boolean {
  if (isServerFailure) return false;
  // A refusal while something remains comes from another limit.
  if (quota !== undefined) return quota.remaining === 0 || (accepted && speed.at === "windowed");
  return speed.at === "windowed";
}

function afterWindowHit(pace: Pace, hit: LimitHit): Pace {
  const { now, sentAt, quota, accepted } = hit;
  const { speed } = pace;
  const resetsAt = now + (quota?.delay ?? choosePause(pace, hit));
  if (speed.at !== "windowed")
    return quota === undefined
      ? pace
      : {
          ...closeUntil(pace, now, resetsAt),
          pausedUntil: pace.pausedUntil,
          speed: exhaustedWindow(quota, resetsAt),
        };
  if (sentAt <= pace.lastHitAt) return { ...pace, speed: afterWindowBurst(speed, resetsAt, quota) };
  if (accepted) return { ...pace, speed: afterWindowResponse(speed, { now, sentAt, quota }) };
  return {
    ...closeUntil(pace, now, resetsAt),
    pausedUntil: pace.pausedUntil,
    speed: afterWindowRefusal(speed, sentAt, resetsAt),
  };
}

/** Returns whether a refusal without a stated wait belongs to a window that was guessed. */
function isGuessed(
  { speed, lastHitAt }: Pace,
  { sentAt, isDelayStated, isServerFailure }: LimitHit,
): boolean {
  return speed.at === "guessed" && sentAt > lastHitAt && !isDelayStated && !isServerFailure;
}

function afterGuessedHit(pace: Pace, hit: LimitHit): Pace {
  const { now, sentAt } = hit;
  if (pace.speed.at !== "guessed") return pace;
  const closed = closeUntil(pace, now, pace.pausedUntil);
  const speed = afterGuessedRefusal(pace.speed, sentAt);
  if (speed !== undefined) return { ...closed, speed };
  const pausedUntil = now + choosePause(pace, hit);
  const slower = speedWithoutWindow(pace.speed, now, pausedUntil);
  return { ...closeUntil(pace, now, pausedUntil), speed: slower };
}

/** Returns when the limit allows the next request, if no other request waits. */
export function paceOpensAt({ pausedUntil, speed }: Pace, now: number): number {
  if (speed.at === "guessed" && isGuessedFull(speed)) return Math.max(pausedUntil, speed.opensAt);
  if (speed.at !== "windowed" || speed.left > 0 || now >= speed.resetsAt) return pausedUntil;
  return Math.max(pausedUntil, speed.resetsAt);
}

/** Returns the wait of a request behind the waiting ones, in milliseconds. */
export function expectedWait(pace: Pace, now: number, waiting: number): number {
  const pause = Math.max(0, paceOpensAt(pace, now) - now);
  const { speed } = pace;
  if (speed.at !== "windowed") return pause + waiting / steadyRate(speed, now);
  const behind = now < speed.resetsAt ? waiting - Math.max(0, speed.left) : waiting;
  const windows = Math.max(0, Math.floor(behind / speed.limit));
  // What remains now is sent now.
  const first = behind >= 0 && now < speed.resetsAt ? Math.max(0, speed.resetsAt - now) : pause;
  return Math.max(pause, first) + windows * speed.window;
}

/** Returns whether the state is too old to delay a request. */
export function isPaceExpired({ pausedUntil, sentAt, speed }: Pace, now: number): boolean {
  return now - Math.max(pausedUntil, sentAt) > Math.max(forgetMs, limitWindow(speed));
}

function lateTolerance(gap: number): number {
  return gap < 50 ? 10 : Math.min(gap / 5, latenessMs);
}

function closeUntil(pace: Pace, now: number, pausedUntil: number): Pace {
  const misses = countMisses(pace);
  const fullAt = misses === 0 ? now : pace.fullAt;
  const tally = { ...pace.tally, since: pausedUntil, accepted: 0 };
  return { ...pace, pausedUntil, lastHitAt: now, fullAt, misses, tally, burst: undefined };
}

/** Returns how often in a row the limit was hit with nothing accepted in between, this time included. */
function countMisses({ misses, lastHitAt, tally }: Pace): number {
  return lastHitAt > -Infinity && tally.accepted === 0 ? misses + 1 : 0;
}

/** Returns the stated pause, otherwise a guess that doubles while nothing is accepted. */
function choosePause(pace: Pace, { now, delay, isDelayStated, hasWaiters }: LimitHit): number {
  if (isDelayStated) return delay;
  const guess = hasWaiters && isRateKnown(pace.speed) ? missedPlaces * sendInterval(pace.speed, now) : delay;
  return Math.min(guess * 2 ** countMisses(pace), Math.max(delay, longestGuess));
}

function isWindow({ at }: Speed): boolean {
  return at === "windowed" || at === "guessed";
}

function isRateKnown({ at }: Speed): boolean {
  return at === "searching" || at === "holding" || at === "stated";
}

/** A client that keeps to a limit reaches its end now and then, just before it resets: that changes nothing. */
function isExpected(speed: Speed, { delay }: LimitHit): boolean {
  // A wait until a whole second is up to a second longer than the window.
  return (speed.at === "holding" || speed.at === "stated") && delay <= limitWindow(speed) + second;
}

function toBurst(pace: Pace, hit: LimitHit, pausedUntil: number): Burst {
  const { now, sentAt, accepted, isServerFailure, hasWaiters, delay } = hit;
  const { speed: before, tally } = pace;
  const evidence = { now, sentAt, accepted, statedDelay: hit.isDelayStated ? delay : undefined, pausedUntil };
  const keptNone = before.at === "free" || before.at === "reopening" || isWindow(before);
  return {
    refusedAt: sentAt,
    // An accepted request that exhausts the limit proves it without a refusal.
    refusals: accepted ? Infinity : isServerFailure ? -Infinity : 1,
    acceptances: 0,
    sample: takeSample(tally, { ...evidence, isEven: hit.isEven }),
    before,
    slower: keptNone ? undefined : hasWaiters && !isServerFailure ? reducedSpeed(pace, evidence) : before,
  };
}

function withFurtherRefusal(pace: Pace, { accepted, isServerFailure }: LimitHit): Pace {
  const { burst } = pace;
  return burst === undefined || accepted || isServerFailure
    ? pace
    : withBurst(pace, { ...burst, refusals: burst.refusals + 1 });
}

function withAccepted(burst: Burst, sentAt: number): Burst {
  const { sample, refusedAt } = burst;
  const more = sentAt > refusedAt ? 1 : 0;
  return { ...burst, acceptances: burst.acceptances + more, sample: { ...sample, count: sample.count + 1 } };
}

/** Returns the pace with the speed that follows from a burst. */
function withBurst(pace: Pace, burst: Burst): Pace {
  const { refusals, acceptances, before, slower } = burst;
  if (slower !== undefined) return { ...pace, burst, speed: acceptances > refusals ? before : slower };
  // One or two refusals may have any reason, if no speed was known.
  if (refusals >= manyRefusals && refusals > acceptances)
    return withMeasuredSpeed({ ...pace, burst }, burst.sample);
  return { ...pace, burst, speed: { at: "reopening", since: pace.pausedUntil } };
}

function withMeasuredSpeed(pace: Pace, sample: Sample): Pace {
  // No limit has a window below a second. Without an accepted request, the limit may not have been hit at all.
  const shortest = sample.count > 0 ? pace.lastHitAt + second : -Infinity;
  const pausedUntil = Math.max(pace.pausedUntil, shortest);
  const tally = { ...pace.tally, since: pausedUntil };
  return { ...pace, pausedUntil, tally, speed: initialSpeed(sample, pausedUntil) };
}
