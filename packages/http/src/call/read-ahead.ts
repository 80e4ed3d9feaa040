import type { Clock } from "@holdfast/policy";
import type { BodySource } from "../model/body-source.ts";
import { onAbort } from "../support/bounded-wait.ts";
import { startLimit } from "../support/limit-timer.ts";
import { addPiece } from "../support/pieces.ts";

/** The limits of the wait for a body that is read in advance. */
export interface ReadAheadBounds {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly limit: number;
  /** Aborted when the response is no longer wanted. */
  readonly signal: AbortSignal | undefined;
  /** Aborted when the call no longer waits, but the response is wanted. */
  readonly drain: AbortSignal | undefined;
}

/**
 * Runs a function that reads a body in advance. The signal that it receives is aborted at the limit.
 *
 * @throws the reason of `signal`; the error of the function.
 */
export async function within<T>(
  body: BodySource,
  { clock, limit, signal, drain }: ReadAheadBounds,
  read: (ended: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const stopTimer = startLimit({ clock, limit }, end);
  const signals = [signal, drain];
  const stopListening = onAbort(signals, end);
  if (signals.some((each) => each?.aborted === true)) end();
  try {
    const result = await read(ended.signal);
    if (signal?.aborted !== true) return result;
  } finally {
    stopTimer();
    stopListening();
  }
  body.cancel(signal.reason);
  throw signal.reason;
}

/** A body with a beginning that was read in advance. `read` returns it again. */
export class ReadAheadBody implements BodySource {
  readonly #source: BodySource;
  readonly #pieces: Uint8Array[] = [];
  #length = 0;
  /** The read that has started and was not returned yet. */
  #next: Promise<Uint8Array | undefined> | undefined;
  /** Whether all pieces were read in advance. */
  #isComplete = false;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** What was read in advance. */
  get content(): Uint8Array {
    return Buffer.concat(this.#pieces);
  }

  /** Takes what has arrived. Returns whether the body is complete. */
  takeAll(): boolean {
    for (;;) {
      const piece = this.#source.takeArrived?.();
      if (piece === null) return (this.#isComplete = true);
      if (piece === undefined) return false;
      this.#add(piece);
    }
  }

  /**
   * Reads the body until it is complete, longer than `maxBytes`, or the signal is aborted. Returns whether it is complete.
   *
   * @throws the error of the body, which its reader gets too.
   */
  async readAhead(maxBytes: number, signal: AbortSignal): Promise<boolean> {
    const stopped = new Promise<"stopped">((resolve) => {
      if (signal.aborted) resolve("stopped");
      signal.addEventListener("abort", () => resolve("stopped"), { once: true });
    });
    while (this.#length <= maxBytes) {
      const next = (this.#next ??= this.#source.read());
      const piece = await Promise.race([next, stopped]);
      if (piece === "stopped") {
        // If the body is not read on, the read has no other listener for its error.
        next.catch(() => undefined);
        return false;
      }
      if (piece === undefined) return (this.#isComplete = true);
      this.#add(piece);
      this.#next = undefined;
    }
    return false;
  }

  takeArrived(): Uint8Array | null | undefined {
    const piece = this.#pieces.shift();
    if (piece !== undefined) return piece;
    if (this.#isComplete) return null;
    return this.#next === undefined ? this.#source.takeArrived?.() : undefined;
  }

  read(): Promise<Uint8Array | undefined> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) return Promise.resolve(piece);
    if (this.#isComplete) return Promise.resolve(undefined);
    const next = this.#next ?? this.#source.read();
    this.#next = undefined;
    return next;
  }

  cancel(reason: unknown): void {
    this.#pieces.length = 0;
    this.#source.cancel(reason);
  }

  async drain(): Promise<void> {
    this.#pieces.length = 0;
    await (this.#source.drain?.() ?? this.#source.cancel(undefined));
  }

  #add(piece: Uint8Array): void {
    addPiece(this.#pieces, piece);
    this.#length += piece.length;
  }
}
