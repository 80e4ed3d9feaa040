import { DeadlineExceededError } from "@holdfast/policy";
import {
  AttemptTimeoutError,
  BodyTooLargeError,
  ReadTimeoutError,
  UploadTimeoutError,
} from "../../errors/transport-errors.ts";
import type { Connection } from "../pool/connection.ts";
import { ObservedExchange } from "./observed-exchange.ts";
import type { ExchangeController } from "../wire/protocol.ts";
import type { Watched } from "../pool/watchdog.ts";
import type { CallBounds, ExchangeLimits, WireRequest } from "../wire/messages.ts";
import type { Endpoint } from "../pool/endpoint.ts";

// RFC 9110 §15.2 sets no limit to interim answers; a server that says "processing" for so many read limits says nothing.
const interimLimits = 10;

/**
 * An exchange within its limits: the call's deadline, the attempt's, the longest silence, the most bytes and the caller's
 * signal. It is the watchdog's ward and the signal's listener itself, so that neither has an object made for each request.
 */
export abstract class LimitedExchange extends ObservedExchange implements Watched {
  #limits: ExchangeLimits;
  #startedAt = 0;
  /** When the other side last gave a sign of life; Infinity while nobody waits for one. */
  protected activeAt = 0;
  /** Whether it gave one since the last look: only a look reads the clock, which is 0.04 µs each time. */
  #stirred = false;
  /** When the first interim answer came. */
  #interimSince: number | undefined;
  /** How far the request had gone out at the last look. */
  #takenBefore = 0;
  /** What had come for all on the connection when the stream began. */
  #readBefore = 0;
  next: Watched | undefined;
  previous: Watched | undefined;

  constructor(request: WireRequest, limits: ExchangeLimits, road: Endpoint) {
    super(request, road, limits.observer);
    this.#limits = limits;
  }

  /** Whether all that there is of the request's body has gone out, and it is the source that gives no more. */
  protected abstract get starved(): boolean;

  /** Ends what is under way. */
  protected abstract fail(error: unknown): void;

  get connectLimit(): number {
    return this.#limits.connect;
  }

  /** The longest silence, in milliseconds. */
  protected get readLimit(): number {
    return this.#limits.read;
  }

  get proxyLimits(): ExchangeLimits["proxy"] {
    return this.#limits.proxy;
  }

  /** From here on the limits hold. */
  protected beginLimits(): void {
    const { attempt, signal } = this.#limits;
    if (attempt < Infinity) this.#startedAt = this.now;
    this.watch();
    signal?.addEventListener("abort", this, { once: true });
  }

  protected endLimits(): void {
    this.unwatch();
    this.#limits.signal?.removeEventListener("abort", this);
  }

  /** Puts another deadline and another signal in the place of those that held so far. */
  protected rebind({ deadline, signal }: CallBounds): void {
    if (this.ended || (deadline === this.#limits.deadline && signal === this.#limits.signal)) return;
    this.#limits.signal?.removeEventListener("abort", this);
    this.#limits = { ...this.#limits, deadline, signal };
    if (signal?.aborted === true) return this.fail(signal.reason);
    signal?.addEventListener("abort", this, { once: true });
  }

  /** Has the limits looked at; not twice without an `unwatch` between. */
  protected watch(): void {
    this.endpoint.watchdog.watch(this);
  }

  protected unwatch(): void {
    this.endpoint.watchdog.unwatch(this);
  }

  /** Hears the caller's signal. */
  handleEvent(): void {
    this.fail(this.#limits.signal?.reason);
  }

  checkLimits(now: number): void {
    const { deadline, attempt, total, read } = this.#limits;
    const { target } = this.request;
    if (now >= deadline) return this.fail(new DeadlineExceededError(total));
    if (now - this.#startedAt >= attempt) {
      const { phase, mayHaveArrived } = this;
      return this.fail(new AttemptTimeoutError(target, attempt, { phase, mayHaveArrived }));
    }
    if (this.connection === undefined) return;
    if (this.#stirred) this.#dateLife(now);
    this.#noteProgress(this.connection, now);
    if (now - this.activeAt < read) return;
    // Nothing for anybody since this one went out: the connection may be dead, and no further call should find out.
    if (this.connection.multiplexed && this.connection.bytesRead === this.#readBefore)
      this.connection.stopAccepting();
    this.fail(
      this.starved
        ? new UploadTimeoutError(target, read, this.mayHaveArrived)
        : new ReadTimeoutError(target, read, this.phase),
    );
  }

  protected override noteBoarding(connection: Connection, waited: boolean): void {
    super.noteBoarding(connection, waited);
    this.#stirred = true;
    this.#takenBefore = this.writtenBefore;
  }

  protected override noteStart(controller: ExchangeController, headBytes: number | undefined): void {
    super.noteStart(controller, headBytes);
    // Under HTTP/2 the request may have stood in line for a stream until now.
    if (this.connection?.multiplexed !== true) return;
    this.#stirred = true;
    this.#readBefore = this.connection.bytesRead;
  }

  /** Takes note of an interim answer: it says that the server is at work, and for so long it is believed. */
  protected noteInterim(): void {
    const { now } = this;
    this.#interimSince ??= now;
    if (now - this.#interimSince < interimLimits * this.#limits.read) this.noteLife();
  }

  /** Takes note of a sign of life. */
  protected noteLife(): void {
    this.#stirred = true;
  }

  /** Takes note of bytes of the body; more than the caller allows end the exchange. */
  protected count(chunk: Buffer): void {
    this.#stirred = true;
    this.received += chunk.length;
    if (this.received > this.#limits.maxBytes) this.fail(new BodyTooLargeError(this.#limits.maxBytes));
  }

  /** Ends the exchange where so many bytes are announced that they need not be waited for to be too many. */
  protected refuseTooMany(announced: number | undefined): void {
    const { maxBytes } = this.#limits;
    if (announced !== undefined && announced > maxBytes) this.fail(new BodyTooLargeError(maxBytes));
  }

  #dateLife(now: number): void {
    this.#stirred = false;
    if (this.activeAt < Infinity) this.activeAt = now;
  }

  /** A body that is still going out is not silence, and neither is what others hear while this one stands in line. */
  #noteProgress(connection: Connection, now: number): void {
    if (this.phase !== "headers") return;
    const taken = connection.multiplexed
      ? this.#heard(connection)
      : connection.bytesWritten - connection.bytesWaiting;
    if (taken > this.#takenBefore) this.activeAt = now;
    this.#takenBefore = taken;
  }

  #heard(connection: Connection): number {
    return this.controller === undefined ? connection.bytesRead : this.#takenBefore;
  }
}
