import type { BodySource } from "../body-source.ts";
import { IncompleteBodyError, ProtocolError } from "../errors.ts";

/** A body of which it is known how long it must be, whatever its own framing says. */
export interface Exactly {
  /** Bytes to leave out at its beginning. */
  readonly skip: number;
  /** Bytes after those; undefined where that is not known. */
  readonly length: number | undefined;
}

/**
 * Gives so many bytes of a source, and requires its end there.
 *
 * What it gives throws IncompleteBodyError for fewer, ProtocolError for more, or what the source throws.
 */
export function exactly(source: BodySource, { skip, length = Infinity }: Exactly): BodySource {
  let left = skip;
  let given = 0;
  const take = (piece: Uint8Array): Uint8Array => {
    const wanted = piece.subarray(Math.min(left, piece.length));
    left -= piece.length - wanted.length;
    given += wanted.length;
    if (given > length) throw tooLong();
    return wanted;
  };
  return {
    read: async () => {
      for (;;) {
        const piece = await source.read();
        if (piece === undefined) break;
        const wanted = take(piece);
        if (wanted.length > 0) return wanted;
      }
      if (left > 0 || (length < Infinity && given < length)) throw new IncompleteBodyError(given, length);
      return undefined;
    },
    cancel: (reason) => source.cancel(reason),
    drain: async () => source.drain?.() ?? source.cancel(undefined),
  };
}

function tooLong(): ProtocolError {
  return new ProtocolError("The body is longer than its Content-Range says", {
    phase: "body",
    mayHaveArrived: true,
  });
}
