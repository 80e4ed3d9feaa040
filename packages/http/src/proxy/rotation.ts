import type { Random } from "@holdfast/policy";

/** How a proxy stands when it gets its next place in line. */
export interface Standing {
  /** The place that it had; a newcomer has had that of the first. */
  readonly before: number;
  /** Requests that it was given since. */
  readonly since: number;
  /** The number of the latest request that it was given, of all that the pool has served. */
  readonly lastUsed: number;
  readonly weight: number;
  /** How many places have been given so far: a place behind everybody. */
  readonly turn: number;
  /** The place of the proxy that was served last. */
  readonly front: number;
}

/**
 * The proxies stand in line. The one with the lowest place serves the next request and gets a new place; of equal places
 * the one that was given first goes first. A rotation is the rule by which places are given.
 */
export type Rotation = (standing: Standing, random: Random) => number;

export type RotationName = "round-robin" | "random" | "weighted" | "least-used" | "least-recently-used";

/** The rotations by name. */
export const rotations: Readonly<Record<RotationName, Rotation>> = {
  "round-robin": ({ turn }) => turn,
  random: ({ front }, random) => front + exponential(random),
  weighted: ({ front, weight }, random) => front + exponential(random) / weight,
  // A place for each use. One that has rested stands level with the first: it must not catch up all at once.
  "least-used": ({ before, since, front }) => Math.max(before, front) + since,
  "least-recently-used": ({ lastUsed }) => lastUsed,
};

/** The rotations by which a use elsewhere, by a sticky key or at another host, moves a proxy back. */
export const followsUse: ReadonlySet<RotationName> = new Set<RotationName>([
  "least-used",
  "least-recently-used",
]);

/**
 * Of independent exponential times the smallest is anybody's with equal chance, or with a chance in proportion to the
 * rates, and the past plays no part (the lack of memory of the exponential distribution). So a line of such times draws
 * lots.
 */
function exponential(random: Random): number {
  return -Math.log(1 - random());
}
