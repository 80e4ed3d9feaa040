import type { ClientHttp2Session } from "node:http2";

// A third of the read limit each, so that a dead connection is found before the limit ends the requests on it.
const maxQuietMs = 10_000;
const maxPingMs = 20_000;

/**
 * Finds out whether a connection is dead while requests wait on it. When nothing has arrived for a third of the read limit, at
 * most ten seconds, it sends a PING (RFC 9113 §6.7). Any byte is a reply.
 */
export class Liveness {
  readonly #session: ClientHttp2Session;
  #checkedAt = -Infinity;
  /** The smallest read limit of the requests that wait. */
  #readLimit = Infinity;
  #bytesRead = 0;
  /** When the last bytes were noticed, or the first request began to wait; undefined while none waits. */
  #quietSince: number | undefined;
  #pingedAt: number | undefined;

  constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  /** Forgets the time in which no request waited. */
  reset(): void {
    this.#quietSince = undefined;
    this.#pingedAt = undefined;
  }

  /**
   * Returns whether the connection is dead at `now`. Called for each request that waits, with its read limit and the number of
   * bytes that the connection has received.
   */
  isDead(now: number, readLimit: number, bytesRead: () => number): boolean {
    // The limits of all requests count, but one look at the connection is enough.
    if (now === this.#checkedAt) {
      this.#readLimit = Math.min(this.#readLimit, readLimit);
      return false;
    }
    const limit = Math.min(this.#readLimit, readLimit);
    this.#checkedAt = now;
    this.#readLimit = readLimit;
    const bytes = bytesRead();
    if (bytes !== this.#bytesRead) this.reset();
    this.#bytesRead = bytes;
    this.#quietSince ??= now;
    if (this.#pingedAt !== undefined) return now - this.#pingedAt >= Math.min(maxPingMs, limit / 3);
    if (now - this.#quietSince >= Math.min(maxQuietMs, limit / 3)) this.#ping(now);
    return false;
  }

  #ping(now: number): void {
    this.#pingedAt = now;
    if (!this.#session.destroyed) this.#session.ping(() => undefined);
  }
}
