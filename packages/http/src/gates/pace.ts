import type { StatedLimit } from "../retry/dialects/dialect.ts";

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

/** So many accepted in so many milliseconds. */
interface Sample {
  readonly count: number;
  readonly span: number;
  /** Whether that tells the limit; else it is only a rate to begin with. */
  readonly telling: boolean;
}

/** How fast requests may leave; rates are per millisecond. */
export type Speed =
  /** As fast as they come: no limit is known. */
  | { readonly at: "free" }
  /** Ever faster, within a second or two as fast as they come: there was a pause, but nothing that proves a limit. */
  | { readonly at: "reopening"; readonly since: number }
  /** One at a time, until one is accepted. */
  | { readonly at: "probing" }
  /** At a rate that from `since` on doubles every `doubling` milliseconds, until the server says stop. */
  | {
      readonly at: "searching";
      readonly rate: number;
      readonly since: number;
      readonly doubling: number;
    }
  /** Just below the rate at which it said stop. `window` is the time that its limit counts over, as far as known. */
  | { readonly at: "holding"; readonly ceiling: number; readonly since: number; readonly window: number }
  /** At the rate that the server itself names. */
  | { readonly at: "told"; readonly rate: number; readonly since: number; readonly window: number };

/** What was accepted. */
export interface Tally {
  /** The start of the present cycle: the last reopening, or the first request. */
  readonly since: number;
  /** Since then. */
  readonly accepted: number;
  /** In the second that began at `secondAt`, and in the one before it. */
  readonly secondAt: number;
  readonly thisSecond: number;
  readonly lastSecond: number;
}

/** A server's word that it has had enough. */
export interface Stop {
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

const second = 1_000;
// Departures a little below a limit: a request may be quicker on its way than the one before it.
const margin = 0.98;
// What a timer is late by is caught up with, as long as that stays within the margin of a second.
const latenessMs = 20;
// Where nobody names the limit it was measured; it is approached slowly, because each time it is met costs a pause.
const firstShare = 0.97;
const approachMs = 40_000;
const doublingMs = 500;
const carefulDoublingMs = 10_000;
const trialMs = 3_000;
// Of a limit of which nothing is known the search is quick: twenty who were refused at once are through within a second.
const firstSearch = { rate: 10 / second, doubling: 250 };
// Whoever goes first may never come back.
const longestProbe = 5_000;
const forgetMs = 600_000;
// Too few to tell a rate from.
const smallSample = 3;
// So many at once are refused for a reason that they share.
const manyRefusals = 3;
// A stop soon after a reopening says that the rate is too high, perhaps by far, a late one that it is a little too high.
const soonCuts = [0.95, 0.5] as const;
const lateCuts = [1, 0.98] as const;

/** A tally of nothing, from an instant on. */
export function emptyTally(now: number): Tally {
  return { since: now, accepted: 0, secondAt: now, thisSecond: 0, lastSecond: 0 };
}

/** A pace that limits nothing, with what has been accepted so far. */
export function freePace(tally: Tally): Pace {
  return { opensAt: -Infinity, stoppedAt: -Infinity, leftAt: -Infinity, speed: { at: "free" }, tally };
}

/** Who is at a gate, beside the request that it is about. */
export interface Crowd {
  readonly underWay: number;
  readonly waiting: number;
}

/** When the next request may leave: now or earlier where nothing stands in its way. */
export function nextDeparture(pace: Pace, now: number, { underWay, waiting }: Crowd): number {
  const { speed, opensAt, leftAt } = pace;
  if (speed.at === "probing" && underWay > 0) return leftAt + longestProbe;
  // Who asks one thing after another waits when told to, and is slow enough besides.
  if (underWay + waiting === 0) return opensAt;
  return Math.max(opensAt, leftAt + gapOf(speed, now));
}

/** Takes note that a request leaves; one that is a little late does not make all behind it late. */
export function departed(pace: Pace, now: number): Pace {
  const gap = gapOf(pace.speed, now);
  const place = Math.max(pace.opensAt, pace.leftAt + gap);
  return { ...pace, leftAt: Math.max(place, now - toleranceOf(gap)) };
}

/** Takes note that a request was accepted, which had left at `leftAt`. */
export function accepted(pace: Pace, now: number, leftAt: number): Pace {
  if (pace.troubled === true) return accepted({ ...pace, troubled: false }, now, leftAt);
  // Of a burst that met a limit, some answers come behind the first refusal.
  if (leftAt <= pace.stoppedAt)
    return pace.burst === undefined ? pace : judged(pace, spared(pace.burst, leftAt));
  const tally = counted(pace.tally, now);
  if (pace.speed.at !== "probing") return { ...pace, tally };
  return { ...pace, tally, speed: { at: "searching", ...firstSearch, since: now } };
}

/** Takes note that the server said stop. Of a burst, only the first word counts, and the longest wait. */
export function stopped(pace: Pace, stop: Stop): Pace {
  const { now, leftAt, delay, asked } = stop;
  const opensAt = Math.max(pace.opensAt, now + delay);
  if (leftAt <= pace.stoppedAt) return refusedToo(asked ? { ...pace, opensAt } : pace, stop);
  if (stop.accepted && isExpected(pace.speed, stop)) return pace;
  // Trouble at one place is not the server's as a whole, unless it is met at the next one too.
  if (stop.trouble && pace.troubled !== true) return { ...pace, troubled: true };
  const tally = { ...pace.tally, since: opensAt, accepted: 0 };
  const closed = { ...pace, opensAt, stoppedAt: now, tally, burst: undefined };
  if (stop.limit !== undefined && pace.speed.at !== "told")
    return { ...closed, speed: toldSpeed(stop.limit, opensAt) };
  return judged(closed, burstOf(pace, stop, opensAt));
}

function burstOf(pace: Pace, stop: Stop, opensAt: number): Burst {
  const { speed: before, tally } = pace;
  const keptNone = before.at === "free" || before.at === "reopening";
  return {
    refusedAt: stop.leftAt,
    // The last place of a limit is a word on the limit: it needs no refusal to prove it.
    refusals: stop.accepted ? Infinity : stop.trouble ? -Infinity : 1,
    spared: 0,
    sample: sampleOf(tally, stop, opensAt),
    before,
    slower: keptNone ? undefined : stop.pressed && !stop.trouble ? slower(pace, stop, opensAt) : before,
  };
}

/** Whether nothing is known any more that could hold up a request. */
export function isForgotten({ opensAt, leftAt, speed }: Pace, now: number): boolean {
  const window = "window" in speed ? speed.window : second;
  return now - Math.max(opensAt, leftAt) > Math.max(forgetMs, window);
}

/** Counts one more. */
export function counted(tally: Tally, now: number): Tally {
  const seconds = Math.floor((now - tally.secondAt) / second);
  const all = { since: tally.since, accepted: tally.accepted + 1 };
  if (seconds <= 0) return { ...tally, ...all, thisSecond: tally.thisSecond + 1 };
  const lastSecond = seconds === 1 ? tally.thisSecond : 0;
  return { ...all, secondAt: tally.secondAt + seconds * second, thisSecond: 1, lastSecond };
}

/** The rate of a speed, per millisecond; Infinity where it sets none. */
export function rateOf(speed: Speed, now: number): number {
  switch (speed.at) {
    case "free":
    case "probing":
      return Infinity;
    case "reopening":
      return growing(firstSearch.rate, now - speed.since, firstSearch.doubling);
    case "searching":
      return growing(speed.rate, now - speed.since, speed.doubling);
    case "holding":
      return speed.ceiling * approach(Math.max(0, now - speed.since));
    case "told":
      return speed.rate * margin;
  }
}

function growing(rate: number, elapsed: number, doubling: number): number {
  return rate * 2 ** (Math.max(0, elapsed) / doubling);
}

// The curve of CUBIC (RFC 9438 §4.2): quickly back to just below the ceiling, slowly past it, then ever faster.
function approach(elapsed: number): number {
  return 1 + (1 - firstShare) * (elapsed / approachMs - 1) ** 3;
}

function gapOf(speed: Speed, now: number): number {
  const rate = rateOf(speed, now);
  return rate > 0 ? 1 / rate : 0;
}

function toleranceOf(gap: number): number {
  return gap < 50 ? 10 : Math.min(gap / 5, latenessMs);
}

/** Who keeps to a limit comes to its end now and then, just before it begins anew: that is no news. */
function isExpected(speed: Speed, { delay }: Stop): boolean {
  if (speed.at !== "holding" && speed.at !== "told") return false;
  return delay <= Math.ceil(Math.max(speed.window, second) / second) * second;
}

function toldSpeed({ requests, window }: StatedLimit, since: number): Speed {
  return { at: "told", rate: requests / window, since, window };
}

/** The speed that a burst speaks for. */
function judged(pace: Pace, burst: Burst): Pace {
  const { refusals, spared, before, slower, sample } = burst;
  if (slower !== undefined) return { ...pace, burst, speed: spared > refusals ? before : slower };
  // A refusal or two may have had any reason; who kept no pace has not asked for it.
  const met = refusals >= manyRefusals && refusals > spared;
  const speed = met ? speedFrom(sample, pace.opensAt) : reopening(pace.opensAt);
  return { ...pace, burst, speed };
}

function reopening(since: number): Speed {
  return { at: "reopening", since };
}

function refusedToo(pace: Pace, { accepted, trouble }: Stop): Pace {
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

function speedFrom({ count, span, telling }: Sample, since: number): Speed {
  const rate = count / span;
  if (count === 0) return { at: "probing" };
  if (count < smallSample) return searchingFrom(rate, since);
  return telling
    ? { at: "holding", ceiling: rate, since, window: Math.max(second, span) }
    : triedOut(rate, since);
}

function searchingFrom(rate: number, since: number): Speed {
  return { at: "searching", rate, since, doubling: doublingMs };
}

/** A rate that served once is kept for a while, and then left upwards with care. */
function triedOut(rate: number, since: number): Speed {
  return { at: "searching", rate: rate * firstShare, since: since + trialMs, doubling: carefulDoublingMs };
}

/** The rate of the departure before the last that was accepted: a search is quicker than the answers. */
function lastGoodRate(speed: Speed, leftAt: number): number {
  const refused = leftAt - gapOf(speed, leftAt);
  return rateOf(speed, refused - gapOf(speed, refused));
}

/**
 * What was accepted in the time that the limit counts over: the last second, or where the server wants a longer wait,
 * the cycle that ends with it.
 */
function sampleOf(tally: Tally, { now, asked, delay }: Stop, opensAt: number): Sample {
  if (asked && delay > second)
    return { count: tally.accepted, span: Math.max(second, opensAt - tally.since), telling: true };
  const { secondAt, thisSecond, lastSecond } = tally;
  const passed = Math.min(2, (now - secondAt) / second);
  const count = passed >= 1 ? thisSecond * (2 - passed) : thisSecond + lastSecond * (1 - passed);
  // Where the server names no time, a burst that it took may be a small part of what it allows in a second.
  return { count: Math.round(count), span: second, telling: asked };
}

/** The speed of who kept a pace and was told to stop all the same. */
function slower({ speed, tally, stoppedAt }: Pace, stop: Stop, since: number): Speed {
  const { now, leftAt, asked, delay } = stop;
  // Refused before anything was accepted: the limit has not begun anew, which says nothing of its height.
  if (tally.accepted === 0) return speed.at === "searching" && now > speed.since ? { at: "probing" } : speed;
  const rate = rateOf(speed, now);
  const window = Math.max(second, "window" in speed ? speed.window : 0, asked ? delay : 0);
  const holding = { at: "holding", since, window } as const;
  if (speed.at === "searching") return { ...holding, ceiling: lastGoodRate(speed, leftAt) };
  // From one stop to the next, the pause included, no server accepts more than its limit.
  const average = tally.accepted / (now - stoppedAt);
  const [most, least] = now - tally.since < window ? soonCuts : lateCuts;
  return { ...holding, ceiling: Math.max(Math.min(average, rate * most), rate * least) };
}
