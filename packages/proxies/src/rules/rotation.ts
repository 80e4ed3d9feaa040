import type { Random } from "@holdfast/policy";

/** What a rotation is told of a proxy that is to get a place in line. */
export interface RotationInput {
  /** The place in line that the proxy had until now; of a proxy that is new in the line, the value of `front`. */
  readonly before: number;
  /** How many requests the proxy was given, in this line or elsewhere, since it got the place `before`. */
  readonly since: number;
  /** When the proxy was last given a request: the number of that request, counted over the whole pool; -1 for never. */
  readonly lastUsed: number;
  /** How often the proxy is to be chosen beside the others, as its entry says; 1 is usual. */
  readonly weight: number;
  /** How many places this line has given so far; no earlier place by this number is higher. */
  readonly turn: number;
  /** The place from which the line has last served a request; everybody who waits has it or a higher one. */
  readonly front: number;
}

/**
 * The proxies stand in line. The one with the lowest place serves the next request and gets a new place; of equal places
 * the one that was given first goes first. A rotation is the rule by which places are given.
 */
export type Rotation = (standing: RotationInput, random: Random) => number;

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
