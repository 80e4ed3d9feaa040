import type { Duplex } from "node:stream";
import {
  isModern,
  type DispatchController,
  type DispatchHandler,
  type LegacyHandler,
  type ModernHandler,
  type ReceivedHeaders,
} from "./contract.ts";

/** The head of a response as it was received. */
export interface ReceivedHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

const noBuffers: readonly Buffer[] = Object.freeze([]);

/**
 * Passes one response to a handler, in the form that it has, and is its controller. After an abort, or an error that the handler
 * throws, the handler receives that error and nothing else.
 */
export abstract class Receiver implements DispatchController {
  rawHeaders: readonly Buffer[] | null = null;
  readonly rawTrailers: readonly Buffer[] = noBuffers;
  paused = false;
  aborted = false;
  reason: unknown = null;
  #isOver = false;
  #onAbort: ((reason: unknown) => void) | undefined;
  #resumed: PromiseWithResolvers<void> | undefined;

  protected abstract started(): void;
  protected abstract headReceived(head: ReceivedHead): void;
  protected abstract dataReceived(chunk: Buffer): void;
  protected abstract ended(): void;
  protected abstract failed(error: unknown): void;
  protected abstract upgraded(head: ReceivedHead, socket: Duplex): void;

  abort(reason: unknown = new DOMException("The request was aborted", "AbortError")): void {
    if (this.aborted || this.#isOver) return;
    this.aborted = true;
    this.reason = reason;
    this.resume();
    this.#onAbort?.(reason);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.#resumed?.resolve();
    this.#resumed = undefined;
  }

  /** Resolves when a paused handler takes more. */
  whenResumed(): Promise<void> {
    return (this.#resumed ??= Promise.withResolvers()).promise;
  }

  /** Starts the request. `onAbort` is called when the handler aborts it. Returns whether it continues. */
  start(onAbort: (reason: unknown) => void): boolean {
    this.#onAbort = onAbort;
    return this.#run(() => this.started());
  }

  head(head: ReceivedHead): boolean {
    return this.#run(() => this.headReceived(head));
  }

  data(chunk: Buffer): boolean {
    return this.#run(() => this.dataReceived(chunk));
  }

  upgrade(head: ReceivedHead, socket: Duplex): boolean {
    const isTaken = this.#run(() => this.upgraded(head, socket));
    this.#isOver = true;
    return isTaken;
  }

  end(): void {
    if (this.#run(() => this.ended())) this.#isOver = true;
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.failed(this.aborted ? this.reason : error);
  }

  /** Calls the handler. Returns false if the response is over, because the handler threw or aborted it. */
  #run(call: () => void): boolean {
    if (this.#isOver) return false;
    if (!this.aborted) {
      try {
        call();
      } catch (error) {
        this.abort(error);
      }
    }
    if (this.aborted) this.fail(this.reason);
    return !this.aborted;
  }
}

/** Passes a response to a handler of undici 7 and 8. */
class ModernReceiver extends Receiver {
  readonly #handler: ModernHandler;

  constructor(handler: ModernHandler) {
    super();
    this.#handler = handler;
  }

  protected started(): void {
    this.#handler.onRequestStart(this, {});
  }

  protected headReceived({ status, statusText, headers }: ReceivedHead): void {
    this.rawHeaders = toRawHeaders(headers);
    this.#handler.onResponseStarted?.();
    this.#handler.onResponseStart?.(this, status, toRecord(headers), statusText);
  }

  protected dataReceived(chunk: Buffer): void {
    this.#handler.onResponseData?.(this, chunk);
  }

  protected ended(): void {
    this.#handler.onResponseEnd?.(this, {});
  }

  protected failed(error: unknown): void {
    this.#handler.onResponseError?.(this, error);
  }

  protected upgraded({ status, headers }: ReceivedHead, socket: Duplex): void {
    this.rawHeaders = toRawHeaders(headers);
    this.#handler.onRequestUpgrade?.(this, status, toRecord(headers), socket);
  }
}

/** Passes a response to a handler of undici 5 to 7. */
class LegacyReceiver extends Receiver {
  readonly #handler: LegacyHandler;

  constructor(handler: LegacyHandler) {
    super();
    this.#handler = handler;
  }

  protected started(): void {
    this.#handler.onConnect?.((reason) => this.abort(reason), {});
  }

  protected headReceived({ status, statusText, headers }: ReceivedHead): void {
    const resume = (): void => this.resume();
    this.#handler.onResponseStarted?.();
    if (this.#handler.onHeaders?.(status, toRawHeaders(headers), resume, statusText) === false) this.pause();
  }

  protected dataReceived(chunk: Buffer): void {
    if (this.#handler.onData?.(chunk) === false) this.pause();
  }

  protected ended(): void {
    this.#handler.onComplete?.(this.rawTrailers);
  }

  protected failed(error: unknown): void {
    this.#handler.onError?.(error);
  }

  protected upgraded({ status, headers }: ReceivedHead, socket: Duplex): void {
    const handler = this.#handler;
    if (handler.onRequestUpgrade !== undefined)
      handler.onRequestUpgrade(this, status, toRecord(headers), socket);
    else handler.onUpgrade?.(status, toRawHeaders(headers), socket);
  }
}

/** Returns the receiver for a handler. */
export function receiverFor(handler: DispatchHandler): Receiver {
  return isModern(handler) ? new ModernReceiver(handler) : new LegacyReceiver(handler);
}

// Servers send the same few names again and again.
const nameBuffers = new Map<string, Buffer>();
const maxNames = 1_000;

function nameBuffer(name: string): Buffer {
  const known = nameBuffers.get(name);
  if (known !== undefined) return known;
  const buffer = Buffer.from(name, "latin1");
  if (nameBuffers.size < maxNames) nameBuffers.set(name, buffer);
  return buffer;
}

function toRawHeaders(headers: ReceivedHead["headers"]): Buffer[] {
  const raw: Buffer[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (typeof value === "string") raw.push(nameBuffer(name), Buffer.from(value, "latin1"));
    else for (const line of value) raw.push(nameBuffer(name), Buffer.from(line, "latin1"));
  }
  return raw;
}

function toRecord(headers: ReceivedHead["headers"]): ReceivedHeaders {
  const record: ReceivedHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const lines = typeof value === "string" ? value : [...value];
    // An assignment to `__proto__` would set the prototype.
    if (name === "__proto__")
      Object.defineProperty(record, name, { value: lines, enumerable: true, configurable: true });
    else record[name] = lines;
  }
  return record;
}
