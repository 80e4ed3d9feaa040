/** A rate: one call per `interval` milliseconds in the long run, and up to `burst` at once. */
export interface Rate {
  readonly interval: number;
  readonly burst: number;
}

/** A turn: when the call may start, and the theoretical arrival time of the one after it. */
export interface Turn {
  readonly startsAt: number;
  readonly nextArrival: number;
}

/**
 * The next turn of a generic cell rate algorithm (ITU-T I.371, A.1), as a reservation: instead of refusing a call which
 * comes too early it says when to start. `arrival` is the `nextArrival` of the turn before, or `-Infinity`.
 */
export function reserveTurn({ interval, burst }: Rate, arrival: number, now: number): Turn {
  const tolerance = interval * (burst - 1);
  return {
    startsAt: Math.max(now, arrival - tolerance),
    nextArrival: Math.max(now, arrival) + interval,
  };
}

/** The arrival time after a turn is given back: only the last one can be, as the later ones were counted from it. */
export function releaseTurn(rate: Rate, arrival: number, turn: Turn): number {
  return arrival === turn.nextArrival ? arrival - rate.interval : arrival;
}
