import type { Duplex } from "node:stream";

const enough = 262_144;
const nothing: Buffer = Buffer.alloc(0);

/** The bytes that a peer sent and nobody took yet; reading stops while too many of them wait. */
export class ByteSource {
  readonly #stream: Duplex;
  #pending: Buffer = nothing;
  #state: "open" | "held" | "discarding" | "ended" = "open";
  #wake: ((more: boolean) => void) | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onEnd);
  }

  get pending(): Buffer {
    return this.#pending;
  }

  get held(): boolean {
    return this.#state === "held";
  }

  get ended(): boolean {
    return this.#state === "ended";
  }

  /** Removes up to `count` bytes and returns them. */
  take(count: number): Buffer {
    const taken = this.#pending.subarray(0, count);
    this.#pending = taken.length === this.#pending.length ? nothing : this.#pending.subarray(taken.length);
    return taken;
  }

  /** Waits for bytes beyond the pending ones; false when there will be none, or after `stopWaiting`. One caller at a time. */
  more(): Promise<boolean> {
    if (this.ended) return Promise.resolve(false);
    if (this.#state === "held") this.#state = "open";
    this.#stream.resume();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Ends the wait of `more`. */
  stopWaiting(): void {
    this.#wakeUp(false);
  }

  /** Reads nothing further, so that the peer's kernel fills up. */
  hold(): void {
    if (this.#state !== "open") return;
    this.#state = "held";
    this.#stream.pause();
  }

  /** Reads everything from now on and throws it away; the end of the peer is still seen. */
  discard(): void {
    this.#pending = nothing;
    if (this.ended) return;
    this.#state = "discarding";
    this.#stream.resume();
  }

  /** Gives the stream back, and the bytes that nobody took. */
  release(): Buffer {
    this.#stream.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onEnd);
    return this.take(this.#pending.length);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#state === "discarding") return;
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    if (this.#pending.length > enough) this.#stream.pause();
    this.#wakeUp(true);
  };

  readonly #onEnd = (): void => {
    this.#state = "ended";
    this.#wakeUp(false);
  };

  #wakeUp(more: boolean): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.(more);
  }
}
