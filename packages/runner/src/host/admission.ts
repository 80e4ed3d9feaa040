import type { HostState } from "./host-state.ts";

/** Whether a host may get another request now. */
export type Admission =
  /** A request may start. A probe uses another line of the list. */
  | { readonly at: "start"; readonly isProbe: boolean }
  /** One may start at `until` (epoch ms). */
  | { readonly at: "wait"; readonly until: number }
  /** One may start when another ends. */
  | { readonly at: "full" }
  /** None will start: the lines of the host end. */
  | { readonly at: "gone" };

/** The requests of a host. */
export interface HostLoad {
  readonly inFlight: number;
  /** The limit of the user. */
  readonly perHost: number;
}

/** Returns whether a host may get another request at `now` (epoch ms). */
export function admit({ standing, pace }: HostState, now: number, load: HostLoad): Admission {
  switch (standing.at) {
    case "gone":
      return { at: "gone" };
    case "parked":
      return standing.until > now ? { at: "wait", until: standing.until } : admitAtPace(pace, now, load);
    case "serving":
      return admitAtPace(pace, now, load);
    case "silent":
    case "failing":
    case "refusing": {
      if (standing.probing !== undefined) return { at: "full" };
      const until = Math.max(standing.probeAt, pace.nextStartAt);
      return until > now ? { at: "wait", until } : { at: "start", isProbe: true };
    }
  }
}

function admitAtPace(
  { limit, nextStartAt }: HostState["pace"],
  now: number,
  { inFlight, perHost }: HostLoad,
): Admission {
  if (inFlight >= Math.min(perHost, Math.floor(limit))) return { at: "full" };
  return nextStartAt > now ? { at: "wait", until: nextStartAt } : { at: "start", isProbe: false };
}
