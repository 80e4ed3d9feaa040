import type { BodySource } from "../model/body-source.ts";
import { ProtocolError } from "../errors/transport-errors.ts";
import { FalseBodyError } from "./resume-errors.ts";

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
 * What it gives throws FalseBodyError for fewer or more, or what the source throws.
 */
export function exactly(source: BodySource, { skip, length = Infinity }: Exactly): BodySource {
  let left = skip;
  let given = 0;
  const take = (piece: Uint8Array): Uint8Array => {
    const wanted = piece.subarray(Math.min(left, piece.length));
    left -= piece.length - wanted.length;
    given += wanted.length;
    if (given > length) throw falseBody({ given, length }, "The body is longer than its head says");
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
      if (left > 0 || (length < Infinity && given < length))
        throw falseBody({ given, length }, "The body is shorter than its head says");
      return undefined;
    },
    cancel: (reason) => source.cancel(reason),
    drain: async () => source.drain?.() ?? source.cancel(undefined),
  };
}

function falseBody(
  { given, length }: { readonly given: number; readonly length: number },
  message: string,
): FalseBodyError {
  const cause = new ProtocolError(message, { phase: "body", mayHaveArrived: true });
  return new FalseBodyError(given, length < Infinity ? length : undefined, { cause });
}
