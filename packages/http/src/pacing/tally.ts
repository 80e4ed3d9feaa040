/** Counts of accepted requests. */
export interface Tally {
  /** The start of the current cycle: the last pause's end, or the first request. */
  readonly since: number;
  /** Requests since then. */
  readonly accepted: number;
  /** Requests in the second that began at `secondAt`, and in the second before it. */
  readonly secondAt: number;
  readonly thisSecond: number;
  readonly lastSecond: number;
}

/** A second, in milliseconds. */
export const second = 1_000;

/** Returns an empty tally. */
export function emptyTally(now: number): Tally {
  return { since: now, accepted: 0, secondAt: now, thisSecond: 0, lastSecond: 0 };
}

/** Returns the tally with one more request. */
export function countAccepted(tally: Tally, now: number): Tally {
  const seconds = Math.floor((now - tally.secondAt) / second);
  const all = { since: tally.since, accepted: tally.accepted + 1 };
  if (seconds <= 0) return { ...tally, ...all, thisSecond: tally.thisSecond + 1 };
  const lastSecond = seconds === 1 ? tally.thisSecond : 0;
  return { ...all, secondAt: tally.secondAt + seconds * second, thisSecond: 1, lastSecond };
}

/** Estimates the requests accepted in the second before an instant. */
export function acceptedInLastSecond({ secondAt, thisSecond, lastSecond }: Tally, now: number): number {
  const passed = Math.min(2, (now - secondAt) / second);
  const count = passed >= 1 ? thisSecond * (2 - passed) : thisSecond + lastSecond * (1 - passed);
  return Math.round(count);
}
