import type { StatedLimit } from "../retry/dialects/dialect.ts";
import { second } from "./tally.ts";

/** The speed at which requests are sent. Rates are per millisecond. */
export type Speed =
  /** Unlimited: no limit is known. */
  | { readonly at: "free" }
  /** Increasing to unlimited within a second or two: there was a pause, but no proof of a limit. */
  | { readonly at: "reopening"; readonly since: number }
  /** One at a time, until one is accepted. */
  | { readonly at: "probing"; readonly search: Search }
  /** A rate that doubles every `doubling` milliseconds from `since` on, until the limit is hit. */
  | ({ readonly at: "searching"; readonly since: number } & Search)
  /** Just below the rate at which the limit was hit. */
  | ({ readonly at: "holding"; readonly since: number } & Hold)
  /** The rate that the server states. */
  | { readonly at: "stated"; readonly rate: number; readonly since: number; readonly window: number }
  /** What remains of the window immediately, and all others after its reset. */
  | ({ readonly at: "windowed" } & Window)
  /** The same for a window that the server does not announce. */
  | ({ readonly at: "guessed" } & GuessedWindow);

/** A window of a limit that the server announces with its remainder and its reset. */
export interface Window {
  /** Requests in one window. */
  readonly limit: number;
  /** Requests that may still be sent in this window. */
  readonly left: number;
  readonly resetsAt: number;
  /** The length in milliseconds, as far as known. */
  readonly window: number;
  /** A request at this age of a window was refused. */
  readonly longerThan: number;
  /** When the first request of this window was sent. */
  readonly since: number;
  /** When the first response of a window arrived, in this window or the last one that had one. */
  readonly confirmedAt: number;
}

/**
 * A window of a limit that the server does not announce. Its height is the number of requests that were accepted before the
 * first refusal. Its length is found by probes: one request at a time, until one is accepted.
 */
export interface GuessedWindow {
  /** Requests that one window accepts. */
  readonly limit: number;
  /** Whether a further request was refused. Otherwise the limit may be higher. */
  readonly isExact: boolean;
  /** Whether a later window accepted the whole limit. */
  readonly isProven: boolean;
  /** When the first response of this window arrived, or for the first window, when it was exhausted. */
  readonly since: number;
  /** The window was closed at the age of `shortest` milliseconds, and over at the age of `longest`. */
  readonly shortest: number;
  readonly longest: number;
  /** Refusals since the window was exhausted, or since the next one has begun. */
  readonly misses: number;
  /** Windows until now. */
  readonly windows: number;
  /** When a request may be sent after a refusal at the beginning of the window. Undefined without such a refusal. */
  readonly resumesAt: number | undefined;
  /** When the next window is expected. */
  readonly opensAt: number;
  /** When the request was sent that shows whether the next window has begun. */
  readonly probedAt: number | undefined;
  /** Requests of this window. */
  readonly sent: number;
  readonly accepted: number;
}

/** The search for a limit that the server does not state. */
export interface Search {
  readonly rate: number;
  readonly doubling: number;
}

/** A limit that was hit. */
export interface Hold {
  readonly ceiling: number;
  /** The window of the limit in milliseconds, as far as known. */
  readonly window: number;
  /** The milliseconds after which the rate reaches the ceiling again. */
  readonly approach: number;
}

/** The search for an unknown limit is fast: twenty requests refused together are sent within a second. */
export const firstSearch: Search = { rate: 10 / second, doubling: 250 };

// Slightly below the limit, since a request may overtake the one before it.
const margin = 0.98;
// The ceiling is approached again from just below.
const firstShare = 0.97;
const quickDoubling = 500;
const carefulDoubling = 3_500;
// A rate that worked once is tried for this long.
const trial = 500;

/** Returns a speed that increases from a rate. */
export function searching({ rate, doubling }: Search, since: number): Speed {
  return { at: "searching", rate, doubling, since };
}

/** Returns a fast search from an uncertain rate. */
export function quickSearch(rate: number, since: number): Speed {
  return searching({ rate, doubling: quickDoubling }, since);
}

/** Returns a slow search past a rate that worked once. */
export function carefulSearch(rate: number, since: number): Speed {
  return searching({ rate: rate * firstShare, doubling: carefulDoubling }, since);
}

/** Returns a slow search past a rate that worked once, after a trial. */
export function triedSearch(rate: number, since: number): Speed {
  return carefulSearch(rate, since + trial);
}

/** Returns whether a search is close to the limit. */
export function isCareful({ doubling }: Search): boolean {
  return doubling >= carefulDoubling;
}

/** Returns the speed of a stated limit. */
export function statedSpeed({ requests, window }: StatedLimit, since: number): Speed {
  return { at: "stated", rate: requests / window, since, window };
}

/** Returns the window of the limit in milliseconds, as far as known. */
export function limitWindow(speed: Speed): number {
  return Math.max(second, "window" in speed ? speed.window : 0);
}

/** Returns the rate of a speed. Infinity if it is unlimited. */
export function currentRate(speed: Speed, now: number): number {
  switch (speed.at) {
    case "free":
    case "probing":
    case "windowed":
    case "guessed":
      return Infinity;
    case "reopening":
      return growing(firstSearch, now - speed.since);
    case "searching":
      return growing(speed, now - speed.since);
    case "holding":
      return speed.ceiling * nearing(Math.max(0, now - speed.since) / speed.approach);
    case "stated":
      return speed.rate * margin;
  }
}

/** Returns the rate of a constant speed. Infinity if it is unlimited or increasing. */
export function steadyRate(speed: Speed, now: number): number {
  if (speed.at === "windowed") return speed.limit / speed.window;
  if (speed.at === "guessed" && speed.isExact) return speed.limit / (speed.opensAt - speed.since);
  return speed.at === "holding" || speed.at === "stated" ? currentRate(speed, now) : Infinity;
}

/** Returns the milliseconds between two requests. */
export function sendInterval(speed: Speed, now: number): number {
  const rate = currentRate(speed, now);
  return rate > 0 ? 1 / rate : 0;
}

function growing({ rate, doubling }: Search, elapsed: number): number {
  return rate * 2 ** (Math.max(0, elapsed) / doubling);
}

// The curve of CUBIC (RFC 9438 §4.2): quickly back to just below the ceiling, slowly past it, then ever faster.
function nearing(elapsed: number): number {
  return 1 + (1 - firstShare) * (elapsed - 1) ** 3;
}
