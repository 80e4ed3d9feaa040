import type { Phase } from "../../errors/transport-errors.ts";
import type { ResponseHead, ConnectionPhases, Observer, Trace } from "../../model/trace.ts";
import type { Connection } from "../pool/connection.ts";
import type { ExchangeController } from "../wire/protocol.ts";
import type { WireRequest } from "../wire/messages.ts";
import type { Endpoint } from "../pool/endpoint.ts";

/**
 * What is seen of one exchange: the connection it goes on, how far it has come, and what went out. A base class, because a
 * further object would cost each request more than it is worth.
 */
export abstract class ObservedExchange {
  protected readonly request: WireRequest;
  protected readonly endpoint: Endpoint;
  readonly #observer: Observer | undefined;
  protected phase: Phase = "connect";
  /** Whether its answer, or its failure, is settled. */
  protected ended = false;
  protected connection: Connection | undefined;
  /** Whether the connection had carried an earlier request when it was boarded. */
  protected reused = false;
  /** Undefined until the request goes out. */
  protected controller: ExchangeController | undefined;
  /** What the connection had written when it was boarded. */
  protected writtenBefore = 0;
  /** Bytes of the body that have come, as sent. */
  protected received = 0;
  #headBytes: number | undefined;
  #boardedAt: number | undefined;
  #headAt: number | undefined;
  /** Of the opening that failed, how long each leg took. */
  #strandedAfter: ConnectionPhases | undefined;

  constructor(request: WireRequest, road: Endpoint, observer: Observer | undefined) {
    this.request = request;
    this.endpoint = road;
    this.#observer = observer;
  }

  /** Takes note of the connection that it goes out on, and of the time where it had to wait for it. */
  protected noteBoarding(connection: Connection, waited: boolean): void {
    this.connection = connection;
    this.reused = connection.isReused;
    this.phase = "headers";
    // Hot path: who boards at once need not look at the clock, which is 0.04 µs each time.
    if (waited) this.#boardedAt = this.now;
    // Hot path: counting what the socket has taken makes an array; a head alone goes out as the request starts.
    if (this.request.body.kind !== "none" || connection.multiplexed)
      this.writtenBefore = connection.bytesWritten;
  }

  /** Takes note of the opening that it waited for and that failed. */
  protected noteStranding(legs: ConnectionPhases | undefined): void {
    this.#strandedAfter = legs;
  }

  /** Takes note that the request goes out. */
  protected noteStart(controller: ExchangeController, headBytes: number | undefined): void {
    this.controller = controller;
    this.#headBytes = headBytes;
  }

  /** Takes note that the head of the answer has come. */
  protected noteHead(): void {
    this.phase = "body";
    if (this.#observer !== undefined) this.#headAt = this.now;
  }

  /** Takes note that it is to go out again, on another connection. */
  protected noteRedispatch(): void {
    this.phase = "connect";
    this.connection = undefined;
    this.controller = undefined;
  }

  protected get now(): number {
    return this.endpoint.clock.now();
  }

  /** Whether the server may have the request, or a part of it. */
  protected get mayHaveArrived(): boolean {
    const { connection } = this;
    if (connection === undefined || this.controller === undefined) return false;
    return connection.multiplexed || connection.bytesWritten > this.writtenBefore;
  }

  /** Whether the call goes on after an answer with this head without having seen its body. */
  protected goesOn(head: ResponseHead): boolean {
    return this.#observer?.continuesWithoutBody?.(head) === true;
  }

  /** Tells whoever wants to know what has been seen so far. */
  protected tellTrace(): void {
    this.#observer?.observe(this.#trace());
  }

  #trace(): Trace {
    const { connection, reused } = this;
    if (connection === undefined) return { connected: false, phases: this.#strandedAfter };
    const [boardedAt, headAt] = [this.#boardedAt, this.#headAt];
    return {
      reused,
      connectedAt: boardedAt,
      headAt,
      phases: reused ? undefined : connection.phases,
      bytesSent: this.#bytesSent(connection),
      bytesReceived: this.received,
    };
  }

  #bytesSent(connection: Connection): number | undefined {
    if (connection.multiplexed || this.#headBytes === undefined) return undefined;
    const alone = this.request.body.kind === "none";
    return alone ? this.#headBytes : connection.bytesWritten - this.writtenBefore;
  }
}
