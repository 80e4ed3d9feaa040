/** What a worker is asked to do: get one URL again and again, so many at a time, until the time or the count is up. */
export interface Work {
  readonly url: string;
  /** The size of the body, which is `pattern` over and over. */
  readonly bytes: number;
  readonly concurrency: number;
  readonly requests: number;
  readonly seconds: number;
  /** Whether every byte of every body is compared, or the length alone. */
  readonly verify: boolean;
}

/** What it cost. */
export interface Cost {
  readonly requests: number;
  readonly wallMs: number;
  /** The worker's own processor time, all threads. */
  readonly cpuMs: number;
}

/** What the bodies consist of. */
export const pattern = "holdfast's bench: sixteen bytes, and sixteen bytes, and sixteen.";

/** A body of that size. */
export function createBody(bytes: number): Buffer {
  return Buffer.alloc(bytes, pattern);
}
