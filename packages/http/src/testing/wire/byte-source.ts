import type { Duplex } from "node:stream";

const enough = 262_144;
const nothing: Buffer = Buffer.alloc(0);

/** Buffers the bytes that a peer sent. Reading pauses while too many bytes are buffered. */
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

  /** Resolves with true when further bytes arrive, and with false at the end or after `stopWaiting`. One caller at a time. */
  more(): Promise<boolean> {
    if (this.ended) return Promise.resolve(false);
    if (this.#state === "held") this.#state = "open";
    this.#stream.resume();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Makes a pending `more` resolve with false. */
  stopWaiting(): void {
    this.#wakeUp(false);
  }

  /** Stops reading, so that the peer's send buffer fills up. */
  hold(): void {
    if (this.#state !== "open") return;
    this.#state = "held";
    this.#stream.pause();
  }

  /** Reads and discards all further bytes. The end of the peer is still detected. */
  discard(): void {
    this.#pending = nothing;
    if (this.ended) return;
    this.#state = "discarding";
    this.#stream.resume();
  }

  /** Detaches from the stream and returns the buffered bytes. */
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
