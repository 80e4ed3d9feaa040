/** A body that comes piece by piece, read on demand: what `StreamedResponse` stands on, and what a layer in between wraps. */
export interface BodySource {
  /**
   * The next bytes, undefined after the last; whoever reads too slowly slows the sender down. One call at a time.
   *
   * @throws whatever kept the body from being whole; the end is never reported for a part of it.
   */
  read(): Promise<Uint8Array | undefined>;
  /** Says that nobody wants the rest: what carries it is let go at once, and a `read` under way fails with the reason. */
  cancel(reason: unknown): void;
  /** Says that nobody wants the rest, but what carries it could serve again: resolves when that is decided. @default cancel */
  drain?(): Promise<void>;
}

/** A body that was not read with its response. The holder of the response decides whether to read or to discard it. */
export interface UnreadBody {
  /**
   * Reads the body to its end.
   *
   * @throws the error that kept it from being complete; `missingError` after `discard`.
   */
  readAll(): Promise<Buffer>;
  /** Discards the body and closes the connection that carries it. */
  discard(): void;
  /** The error of a read after the body was discarded. */
  readonly missingError: Error;
}

/** Makes a source of bytes that are there already. */
export function sourceOf(bytes: Uint8Array): BodySource {
  let rest = bytes.length === 0 ? undefined : bytes;
  return {
    read: () => {
      const piece = rest;
      rest = undefined;
      return Promise.resolve(piece);
    },
    cancel: () => {
      rest = undefined;
    },
  };
}
