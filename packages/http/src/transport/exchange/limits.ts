import { DeadlineExceededError } from "@holdfast/policy";
import {
  AttemptTimeoutError,
  ReadTimeoutError,
  UploadTimeoutError,
  type Phase,
} from "../../errors/transport-errors.ts";
import type { Connection } from "../pool/connection.ts";
import type { ExchangeLimits, WireRequest } from "../wire/messages.ts";
import type { ExchangeController } from "../wire/protocol.ts";

/**
 * How many times the read limit a server may extend with interim responses. RFC 9110 §15.2 sets no limit, but a server that
 * sends nothing else for so long makes no progress.
 */
export const maxInterimReadLimits = 10;

// How long the body must be slower than `minSpeed`, in milliseconds.
const speedWindow = 60_000;
// A check comes every ten milliseconds. A longer gap means that nothing was checked, because nothing waited for the body.
const longestGap = 1_000;

/** Measures the speed of a body over the time in which its reader waits for it. */
export class SpeedWindow {
  #checkedAt = -Infinity;
  #waited = 0;
  #bytes = 0;

  /** Records a check. Returns whether the body was slower than `minSpeed` for a whole window. */
  isTooSlow(
    { activeAt, bodyBytes }: Pick<LimitedState, "activeAt" | "bodyBytes">,
    minSpeed: number,
    now: number,
  ): boolean {
    const gap = now - this.#checkedAt;
    this.#checkedAt = now;
    // Without a reader, the time is not that of the server.
    if (activeAt === Infinity || gap > longestGap) return false;
    this.#waited += gap;
    if (this.#waited < speedWindow) return false;
    const isSlow = (bodyBytes - this.#bytes) * 1_000 < minSpeed * this.#waited;
    this.#waited = 0;
    this.#bytes = bodyBytes;
    return isSlow;
  }
}

// Time is counted, or not, in parts of this length, in milliseconds.
const wirePart = 1_000;

/** Measures the time in which a request is on the wire and its bytes move more slowly than `minSpeed`. */
export class WireMeter {
  #checkedAt = -Infinity;
  #waited = 0;
  #bytes = 0;

  /** Records a check, with the bytes that have moved so far. Returns the milliseconds to count. */
  check(now: number, { activeAt, bytes }: { activeAt: number; bytes: number }, minSpeed: number): number {
    const gap = now - this.#checkedAt;
    this.#checkedAt = now;
    if (activeAt === Infinity || gap > longestGap) return 0;
    this.#waited += gap;
    if (this.#waited < wirePart) return 0;
    const waited = this.#waited;
    const isFast = (bytes - this.#bytes) * 1_000 >= Math.max(1, minSpeed) * waited;
    this.#waited = 0;
    this.#bytes = bytes;
    return isFast ? 0 : waited;
  }
}

/** The state of an exchange that its limits depend on. Times are milliseconds on the clock. */
export interface LimitedState {
  readonly request: Pick<WireRequest, "target">;
  readonly limits: ExchangeLimits;
  readonly phase: Phase;
  readonly connection: Connection | undefined;
  readonly controller: ExchangeController | undefined;
  readonly mayHaveArrived: boolean;
  /** Whether all available bytes of the request's body have gone out, and its source gives no more. */
  readonly isUploadStarved: boolean;
  /** Start of the attempt; 0 when the attempt has no limit. */
  readonly startedAt: number;
  /** Time of the last sign of life; Infinity while no reader waits for one. */
  activeAt: number;
  /** Whether there was a sign of life since the last check: only a check reads the clock, which costs 0.04 µs each time. */
  wasActive: boolean;
  /** Bytes of the body received so far, as sent. */
  readonly bodyBytes: number;
  /** Created at the first check of a body. */
  speed: SpeedWindow | undefined;
  /** Created at the first check of a request on the wire. */
  wireMeter: WireMeter | undefined;
  /** Adds milliseconds to the time of the call on the wire, and returns its sum. */
  addWireTime(ms: number): number;
  /** Bytes that the connection had sent at the last check. */
  sentBefore: number;
  /** The progress of the connection when the stream began (HTTP/2). */
  readonly progressBefore: number;
}

/**
 * Returns the error for the first limit that an exchange exceeds at `now`: the call's deadline, the attempt's limit, or the
 * longest silence. Records the progress since the last check.
 */
export function findExceededLimit(exchange: LimitedState, now: number): Error | undefined {
  const { deadline, attempt, total } = exchange.limits;
  const { target } = exchange.request;
  if (now >= deadline) return new DeadlineExceededError(total);
  if (now - exchange.startedAt >= attempt) {
    const { phase, mayHaveArrived } = exchange;
    return new AttemptTimeoutError(target, attempt, { phase, mayHaveArrived });
  }
  return exchange.connection === undefined ? undefined : findSilence(exchange, exchange.connection, now);
}

function findSilence(exchange: LimitedState, connection: Connection, now: number): Error | undefined {
  const { read } = exchange.limits;
  const { target } = exchange.request;
  recordActivity(exchange, connection, now);
  if (connection.multiplexed && exchange.activeAt < Infinity) connection.checkAlive(now, read);
  const slow = findSlowness(exchange, connection, now);
  if (slow !== undefined) return slow;
  if (now - exchange.activeAt < read) return undefined;
  // Nothing has arrived for any stream since this one began: it may be dead, so that no further request may use it.
  if (connection.multiplexed && connection.progress === exchange.progressBefore) connection.stopAccepting();
  return exchange.isUploadStarved
    ? new UploadTimeoutError(target, read, exchange.mayHaveArrived)
    : new ReadTimeoutError(target, read, exchange.phase);
}

function findSlowness(exchange: LimitedState, connection: Connection, now: number): Error | undefined {
  const { minSpeed = 0, wire = Infinity } = exchange.limits;
  if (isWireTimeSpent(exchange, connection, now)) return new DeadlineExceededError(wire);
  if (exchange.phase !== "body" || !isTooSlow(exchange, now)) return undefined;
  return new ReadTimeoutError(exchange.request.target, speedWindow, { minSpeed });
}

function recordActivity(exchange: LimitedState, connection: Connection, now: number): void {
  if (exchange.wasActive) {
    exchange.wasActive = false;
    if (exchange.activeAt < Infinity) exchange.activeAt = now;
  }
  if (exchange.phase !== "headers") return;
  const sent = sentBytes(exchange, connection);
  if (sent > exchange.sentBefore) exchange.activeAt = now;
  exchange.sentBefore = sent;
}

/** A body that is still going out is activity. So is traffic of other streams while an HTTP/2 request waits for its own. */
function sentBytes(exchange: LimitedState, connection: Connection): number {
  if (!connection.multiplexed) return connection.bytesWritten - connection.bytesWaiting;
  return exchange.controller === undefined ? connection.progress : exchange.sentBefore;
}

function isTooSlow(exchange: LimitedState, now: number): boolean {
  const { minSpeed = 0 } = exchange.limits;
  if (minSpeed === 0) return false;
  exchange.speed ??= new SpeedWindow();
  return exchange.speed.isTooSlow(exchange, minSpeed, now);
}

function isWireTimeSpent(exchange: LimitedState, connection: Connection, now: number): boolean {
  const { wire = Infinity, minSpeed = 0 } = exchange.limits;
  if (wire === Infinity) return false;
  exchange.wireMeter ??= new WireMeter();
  const { activeAt, bodyBytes } = exchange;
  const bytes = bodyBytes + (connection.multiplexed ? 0 : connection.bytesWritten - connection.bytesWaiting);
  const counted = exchange.wireMeter.check(now, { activeAt, bytes }, minSpeed);
  return exchange.addWireTime(counted) >= wire;
}
