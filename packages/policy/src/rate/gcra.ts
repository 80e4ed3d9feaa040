/** A rate: one call per `interval` milliseconds on average, and up to `burst` calls at the same time. */
export interface Rate {
  readonly interval: number;
  readonly burst: number;
}

/** A reservation: when the call may start, and the theoretical arrival time of the next call. */
export interface Turn {
  readonly startsAt: number;
  readonly nextArrival: number;
}

/**
 * Reserves the next turn of a generic cell rate algorithm (ITU-T I.371, A.1). A call that comes too early is not rejected:
 * its turn starts later. `arrival` is the `nextArrival` of the previous turn, or `-Infinity` for the first.
 */
export function reserveTurn({ interval, burst }: Rate, arrival: number, now: number): Turn {
  const tolerance = interval * (burst - 1);
  return {
    startsAt: Math.max(now, arrival - tolerance),
    nextArrival: Math.max(now, arrival) + interval,
  };
}

/** Returns the arrival time after a turn is released. Only the latest turn can be, because later turns build on earlier ones. */
export function releaseTurn(rate: Rate, arrival: number, turn: Turn): number {
  return arrival === turn.nextArrival ? arrival - rate.interval : arrival;
}
