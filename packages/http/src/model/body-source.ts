/** A body that is read chunk by chunk, on demand. */
export interface BodySource {
  /**
   * Reads the next bytes. Returns undefined after the last. A slow reader slows the sender down. One call at a time.
   *
   * @throws the error that kept the body from being complete. The end of a truncated body is never reported as its end.
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Returns the next bytes if they have arrived, null after the last, and undefined if only `read` can tell. Not called during a
   * `read`. @default undefined
   */
  takeArrived?(): Uint8Array | null | undefined;
  /** Stops the body and releases its connection immediately. A pending `read` throws `reason`. */
  cancel(reason: unknown): void;
  /** Stops the body, but keeps its connection if few bytes remain. Resolves when that is decided. @default cancel */
  drain?(): Promise<void>;
}

/** The body of a response that the call has not read. Every handler of the response either reads or discards it. */
export interface UnreadBody {
  /**
   * Reads the body to its end.
   *
   * @throws the error that kept it from being complete; `missingError` after `discard`.
   */
  readAll(): Promise<Buffer>;
  /** Discards the body and closes the connection that carries it. */
  discard(): void;
  /** The error that reading the content throws until the body has been read. */
  readonly missingError: Error;
}

/** Creates a source of bytes that are in memory. */
export function toBodySource(bytes: Uint8Array): BodySource {
  let next = bytes.length === 0 ? undefined : bytes;
  return {
    read: () => {
      const chunk = next;
      next = undefined;
      return Promise.resolve(chunk);
    },
    cancel: () => {
      next = undefined;
    },
  };
}
