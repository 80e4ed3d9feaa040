import type { RequestHead } from "../wire/request-head.ts";
import { headersByName, parsePath } from "../wire/request-head.ts";

/**
 * A request as the origin received it. `headers` has lower-case names and joins repeated fields. `body` holds the bytes
 * read so far, and `bodyComplete` is true after the last one. Times are milliseconds since the epoch, fractional and
 * monotonic. `attempt` counts requests to this path and `connection` counts accepted connections, both from 1.
 */
export interface RecordedRequest extends RequestHead {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly bodyComplete: boolean;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly connection: number;
  readonly attempt: number;
}

/** A recorded request that is still being read. */
export interface LiveRequest extends RecordedRequest {
  body: Buffer;
  bodyComplete: boolean;
  endedAt: number | undefined;
}

/** Returns the milliseconds since the epoch, monotonic. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Keeps the last `limit` requests. Counts and gaps cover all requests. */
export class Recorder {
  readonly requests: RecordedRequest[] = [];
  readonly #limit: number;
  readonly #starts = new Map<string, number[]>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  begin(head: RequestHead, connection: number): LiveRequest {
    const path = parsePath(head.target);
    const startedAt = now();
    const starts = this.#starts.get(path) ?? [];
    if (starts.push(startedAt) === 1) this.#starts.set(path, starts);
    const request: LiveRequest = {
      ...head,
      path,
      headers: headersByName(head.headerLines),
      body: Buffer.alloc(0),
      bodyComplete: false,
      startedAt,
      endedAt: undefined,
      connection,
      attempt: starts.length,
    };
    if (this.requests.push(request) > this.#limit) this.requests.shift();
    return request;
  }

  attempts(path: string): number {
    return this.#starts.get(path)?.length ?? 0;
  }

  /** Returns the milliseconds between the starts of successive requests to the path. */
  gaps(path: string): number[] {
    const starts = this.#starts.get(path) ?? [];
    return starts.slice(1).map((start, index) => start - (starts[index] ?? start));
  }
}
