import type { Clock } from "@holdfast/policy";
import { startLimit } from "../../support/limit-timer.ts";
import type { ConnectLimits } from "../connect/with-timeout.ts";

// With less time than this, a request cannot get a connection of its own.
const minTimeLeftMs = 10;

/** The connect limits of requests that wait for a connection which another request opens. */
export class WaitLimits<Request extends ConnectLimits> {
  readonly #clock: Clock;
  readonly #expire: (request: Request) => void;
  readonly #limits = new Map<Request, { readonly dueAt: number; readonly stop: () => void }>();

  /** `expire` is called for a request whose limit has passed. */
  constructor(clock: Clock, expire: (request: Request) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Starts the limit of a request that begins to wait. */
  start(request: Request): void {
    const limit = request.connectLimit;
    const stop = startLimit({ clock: this.#clock, limit }, () => {
      this.#limits.delete(request);
      this.#expire(request);
    });
    this.#limits.set(request, { dueAt: this.#clock.now() + limit, stop });
  }

  /** Stops the limit of a request that no longer waits. */
  stop(request: Request): void {
    // Hot path: a request rarely waits.
    if (this.#limits.size === 0) return;
    this.#limits.get(request)?.stop();
    this.#limits.delete(request);
  }

  /** Returns whether a request may wait for another connection after the shared one took too long. */
  mayWaitAgain(request: Request): boolean {
    const limit = this.#limits.get(request);
    return limit !== undefined && limit.dueAt - this.#clock.now() >= minTimeLeftMs;
  }
}
