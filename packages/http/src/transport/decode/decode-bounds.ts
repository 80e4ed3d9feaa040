import type { Observer } from "../../model/trace.ts";
import type { BodySource } from "../../model/body-source.ts";
import { BodyTooLargeError } from "../../errors/transport-errors.ts";

/** What decoding a body may take. */
export interface DecodeBounds {
  /** Largest body in bytes, decoded. */
  readonly maxBytes: number;
  /** Called between slices. Throws when the call has ended: at its deadline, or with the reason of its signal. */
  readonly check?: (() => void) | undefined;
  /** Waits for some milliseconds, on the clock of the call. */
  readonly sleep?: ((ms: number) => Promise<void>) | undefined;
  /** Has the memory for the decoded body, and whose budget it is. */
  readonly observer?: Pick<Observer, "memory"> | undefined;
}

/** Most bytes that a decoder produces before the event loop runs again. */
export const sliceBytes: number = 64 * 1024;

// gzip and deflate cannot expand more than 1,032 times. A gigabyte of zeros is 800 bytes of Brotli.
const maxRatio = 2_000;
// A short body may have any ratio.
const freeBytes = 32 * 1024 * 1024;

/** Counts the bytes of the encoded body that are read. */
export class CountedSource implements BodySource {
  readonly #source: BodySource;
  received = 0;

  constructor(source: BodySource) {
    this.#source = source;
  }

  async read(): Promise<Uint8Array | undefined> {
    const piece = await this.#source.read();
    this.received += piece?.length ?? 0;
    return piece;
  }

  cancel(reason: unknown): void {
    this.#source.cancel(reason);
  }

  async drain(): Promise<void> {
    await (this.#source.drain?.() ?? this.#source.cancel(undefined));
  }
}

/** Ends a decoded body that is larger than `maxBytes`, or too large for the bytes that were received. */
export function limitDecodedBytes(
  decoded: BodySource,
  encoded: CountedSource,
  { maxBytes, check }: DecodeBounds,
): BodySource {
  let given = 0;
  return {
    read: async () => {
      check?.();
      const piece = await decoded.read();
      given += piece?.length ?? 0;
      if (given > maxBytes) throw new BodyTooLargeError(maxBytes);
      if (given > freeBytes && given > maxRatio * encoded.received)
        throw expansionError(given, encoded.received);
      return piece;
    },
    cancel: (reason) => decoded.cancel(reason),
    drain: async () => decoded.drain?.(),
  };
}

function expansionError(given: number, received: number): BodyTooLargeError {
  const size = `${given} bytes from ${received}`;
  return new BodyTooLargeError(
    maxRatio * received,
    `The body expands to more than ${maxRatio} times its size (${size}): if you trust the server, send "accept-encoding: identity"`,
  );
}
