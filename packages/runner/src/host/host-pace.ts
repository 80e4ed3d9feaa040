/** How fast a host is used: how many requests at a time, and when the next one may start. Times are epoch ms. */
export interface HostPace {
  /** Requests at a time; a fraction counts towards the next whole number. */
  readonly limit: number;
  /** Whether each good response still raises the limit by one, because nothing has shown where it ends. */
  readonly isRamping: boolean;
  /** The usual and the latest time to the first byte in ms, as moving averages; undefined before the first good response. */
  readonly usualTtfb?: number | undefined;
  readonly latestTtfb?: number | undefined;
  /** When the limit was last lowered. Requests that were sent before say nothing new. */
  readonly loweredAt: number;
  /** When the next request may start, by the limits of the user. */
  readonly nextStartAt: number;
}

/** What the user allows for a host. */
export interface PaceRule {
  /** Requests at a time. */
  readonly perHost: number;
  /** The shortest time between the starts of two requests, in ms. */
  readonly interval: number;
}

/** A response with a status below 400. */
export interface TtfbSample {
  /** From the first byte sent to the head of the response, in ms; undefined when it was not measured. */
  readonly ttfb: number | undefined;
  /** Requests in flight when the response arrived, with its own. */
  readonly inFlight: number;
}

/** The pace of an unknown host: one request, to see whether it responds. */
export const firstPace: HostPace = {
  limit: 1,
  isRamping: true,
  loweredAt: -1,
  nextStartAt: -1,
};

/** The weights of a new sample in the moving averages. */
const latestWeight = 0.3;
const usualWeight = 1 / 600;
/** A response is late when it takes this much longer than usual, and at least `minLateness` ms longer. */
const lateFactor = 2;
const minLateness = 20;

/** Returns the pace after a request started. Its place in the user's rate is used up, also when it fails (GCRA without a burst). */
export function afterStart(pace: HostPace, { interval }: PaceRule, now: number): HostPace {
  return interval === 0 ? pace : { ...pace, nextStartAt: Math.max(now, pace.nextStartAt) + interval };
}

/**
 * Returns the pace after a good response: the limit rises while responses come as fast as usual and all places are used, by
 * one for each response at first and by one for each round later. It falls with the gradient of the time to the first byte
 * (Netflix concurrency-limits, Gradient2), to 1 at least. Error responses never come here: they may be fast.
 */
export function afterServed(pace: HostPace, { perHost }: PaceRule, { ttfb, inFlight }: TtfbSample): HostPace {
  const { latestTtfb, usualTtfb } = withTtfb(pace, ttfb);
  const known = { ...pace, latestTtfb, usualTtfb };
  const isLate = latestTtfb > Math.max(usualTtfb * lateFactor, usualTtfb + minLateness);
  if (isLate) {
    const gradient = Math.max(0.5, (usualTtfb * lateFactor) / latestTtfb);
    // A round of responses lowers the limit once by the gradient.
    const limit = pace.limit * (1 - (1 - gradient) / Math.max(1, pace.limit));
    return { ...known, limit: Math.max(1, limit), isRamping: false };
  }
  if (inFlight < Math.floor(pace.limit)) return known;
  const step = pace.isRamping ? 1 : 1 / pace.limit;
  return { ...known, limit: Math.min(perHost, pace.limit + step) };
}

/** Returns the pace after a sign of overload: half the limit, once for all requests that were in flight together. */
export function afterOverload(pace: HostPace, now: number, sentAt: number): HostPace {
  if (sentAt <= pace.loweredAt) return pace;
  return { ...pace, limit: Math.max(1, pace.limit / 2), isRamping: false, loweredAt: now };
}

/** Returns the pace of a host that responds again after an outage: it begins like an unknown one. */
export function afterOutage(pace: HostPace): HostPace {
  return { ...pace, limit: 1, isRamping: true };
}

function withTtfb(
  { latestTtfb, usualTtfb }: HostPace,
  ttfb: number | undefined,
): { readonly latestTtfb: number; readonly usualTtfb: number } {
  const sample = ttfb ?? latestTtfb ?? 0;
  const latest = average(latestTtfb, sample, latestWeight);
  // What is usual follows improvements immediately, and a slow host within some thousand responses.
  return { latestTtfb: latest, usualTtfb: Math.min(latest, average(usualTtfb, sample, usualWeight)) };
}

function average(before: number | undefined, sample: number, weight: number): number {
  return before === undefined ? sample : before + (sample - before) * weight;
}
