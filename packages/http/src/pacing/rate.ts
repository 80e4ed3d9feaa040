import type { StatedLimit } from "../retry/dialects/dialect.ts";
import { second } from "./tally.ts";

/** How fast requests may leave; rates are per millisecond. */
export type Speed =
  /** As fast as they come: no limit is known. */
  | { readonly at: "free" }
  /** Ever faster, within a second or two as fast as they come: there was a pause, but nothing that proves a limit. */
  | { readonly at: "reopening"; readonly since: number }
  /** One at a time, until one is accepted. */
  | { readonly at: "probing"; readonly search: Search }
  /** At a rate that from `since` on doubles every `doubling` milliseconds, until the server says stop. */
  | ({ readonly at: "searching"; readonly since: number } & Search)
  /** Just below the rate at which it said stop. */
  | ({ readonly at: "holding"; readonly since: number } & Hold)
  /** At the rate that the server itself names. */
  | { readonly at: "told"; readonly rate: number; readonly since: number; readonly window: number };

/** How a limit is looked for that nobody names. */
export interface Search {
  readonly rate: number;
  readonly doubling: number;
}

/** How a limit is kept to that was met. */
export interface Hold {
  readonly ceiling: number;
  /** The time that the limit counts over, as far as known. */
  readonly window: number;
  /** How long it takes to come back to the ceiling. */
  readonly approach: number;
}

/** A limit of which nothing is known is looked for fast: twenty who were refused at once are through within a second. */
export const firstSearch: Search = { rate: 10 / second, doubling: 250 };

// Departures a little below a limit: a request may be quicker on its way than the one before it.
const margin = 0.98;
// A limit that was met is approached again from just below.
const firstShare = 0.97;
const quickDoubling = 500;
const carefulDoubling = 3_500;
// A rate that served once is tried for so long before it is left.
const trial = 500;

/** Ever faster from a rate on. */
export function searching({ rate, doubling }: Search, since: number): Speed {
  return { at: "searching", rate, doubling, since };
}

/** Ever faster from a rate on that tells next to nothing. */
export function quickSearch(rate: number, since: number): Speed {
  return searching({ rate, doubling: quickDoubling }, since);
}

/** Slowly past a rate that served once. */
export function carefulSearch(rate: number, since: number): Speed {
  return searching({ rate: rate * firstShare, doubling: carefulDoubling }, since);
}

/** Slowly past a rate that served once, after it was tried for a while. */
export function triedSearch(rate: number, since: number): Speed {
  return carefulSearch(rate, since + trial);
}

/** Whether a search has come near what it looks for. */
export function isCareful({ doubling }: Search): boolean {
  return doubling >= carefulDoubling;
}

/** At the rate that a server names. */
export function statedSpeed({ requests, window }: StatedLimit, since: number): Speed {
  return { at: "told", rate: requests / window, since, window };
}

/** The time that the limit counts over, as far as known. */
export function limitWindow(speed: Speed): number {
  return Math.max(second, "window" in speed ? speed.window : 0);
}

/** The rate of a speed; Infinity where it sets none. */
export function currentRate(speed: Speed, now: number): number {
  switch (speed.at) {
    case "free":
    case "probing":
      return Infinity;
    case "reopening":
      return growing(firstSearch, now - speed.since);
    case "searching":
      return growing(speed, now - speed.since);
    case "holding":
      return speed.ceiling * nearing(Math.max(0, now - speed.since) / speed.approach);
    case "told":
      return speed.rate * margin;
  }
}

/** The rate that a speed stays near; Infinity where it sets none, or grows ever faster. */
export function steadyRate(speed: Speed, now: number): number {
  return speed.at === "holding" || speed.at === "told" ? currentRate(speed, now) : Infinity;
}

/** The time between two departures. */
export function departureGap(speed: Speed, now: number): number {
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
