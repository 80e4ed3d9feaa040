import type { Random } from "@holdfast/policy";

/** Input of a rotation: a proxy that needs a position. */
export interface RotationInput {
  /** The proxy's position until now; for a new proxy, the value of `front`. */
  readonly before: number;
  /** Requests through the proxy, from this queue or elsewhere, since it got the position `before`. */
  readonly since: number;
  /** Number of the proxy's latest request, counted over the whole pool; -1 for none. */
  readonly lastUsed: number;
  /** Relative frequency of the proxy, from its entry; 1 is usual. */
  readonly weight: number;
  /** Number of positions that this queue has assigned; it grows with each one. */
  readonly turn: number;
  /** Position from which the queue last served a request. All waiting proxies have it or a higher one. */
  readonly front: number;
}

/**
 * Returns a proxy's position in its queue. The lowest position serves the next request and gets a new one. Of equal
 * positions, the one assigned first is served first.
 */
export type Rotation = (standing: RotationInput, random: Random) => number;

/** A strategy that chooses among the available proxies. */
export type RotationName = "round-robin" | "random" | "weighted" | "least-used" | "least-recently-used";

/** The rotations by name. */
export const rotations: Readonly<Record<RotationName, Rotation>> = {
  "round-robin": ({ turn }) => turn,
  random: ({ front }, random) => front + exponential(random),
  weighted: ({ front, weight }, random) => front + exponential(random) / weight,
  // One position per use. After a cooldown a proxy starts level with the first, so that it does not catch up all at once.
  "least-used": ({ before, since, front }) => Math.max(before, front) + since,
  "least-recently-used": ({ lastUsed }) => lastUsed,
};

/** Rotations in which a use elsewhere, by a sticky identity or at another host, moves a proxy back. */
export const followsUse: ReadonlySet<RotationName> = new Set<RotationName>([
  "least-used",
  "least-recently-used",
]);

/**
 * Draws an exponential time. Of independent exponential times each is the smallest with a chance in proportion to its rate,
 * and the past has no influence (the exponential distribution has no memory). So a queue of such times is a random
 * draw.
 */
function exponential(random: Random): number {
  return -Math.log(1 - random());
}
