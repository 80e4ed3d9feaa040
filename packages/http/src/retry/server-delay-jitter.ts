import type { Retry } from "./retry.ts";

/** How much chance may add to a server's wish, in milliseconds: a tenth of it, a second at most, nothing where no chance is wanted. */
export function spread(minimum: number, { wait, backoffJitter }: Retry): number {
  return wait === undefined && backoffJitter === 0 ? 0 : Math.min(minimum / 10, 1_000);
}
