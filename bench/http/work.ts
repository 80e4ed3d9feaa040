/** The work of a worker: get one URL repeatedly until the time or the number of requests is reached. */
export interface Work {
  readonly url: string;
  /** Size of the body, which repeats `pattern`. */
  readonly bytes: number;
  /** Number of requests in flight. */
  readonly concurrency: number;
  readonly requests: number;
  readonly seconds: number;
  /** Whether to compare every byte of every body. Otherwise only lengths are compared. */
  readonly verify: boolean;
}

/** The cost of some work. */
export interface Cost {
  readonly requests: number;
  readonly wallMs: number;
  /** Processor time of the worker, all threads. */
  readonly cpuMs: number;
}

/** The text that bodies repeat. */
export const pattern = "holdfast's bench: sixteen bytes, and sixteen bytes, and sixteen.";

/** Creates a body of `bytes` bytes. */
export function createBody(bytes: number): Buffer {
  return Buffer.alloc(bytes, pattern);
}
