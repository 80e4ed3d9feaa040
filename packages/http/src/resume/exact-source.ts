import type { BodySource } from "../model/body-source.ts";
import { ProtocolError } from "../errors/transport-errors.ts";
import { CorruptBodyError } from "./resume-errors.ts";

/** The part of a source that belongs to a body, independent of the framing of the response. */
export interface BodyExtent {
  /** Bytes to skip at the start. */
  readonly skip: number;
  /** Bytes that follow, or undefined if the length is unknown. */
  readonly length: number | undefined;
}

/**
 * Returns a source that skips `skip` bytes and then yields exactly `length` bytes.
 *
 * Reading throws a CorruptBodyError if the source holds fewer or more bytes. Errors of the source pass through.
 */
export function withExactLength(source: BodySource, { skip, length = Infinity }: BodyExtent): BodySource {
  let left = skip;
  let given = 0;
  const take = (piece: Uint8Array): Uint8Array => {
    const wanted = piece.subarray(Math.min(left, piece.length));
    left -= piece.length - wanted.length;
    given += wanted.length;
    if (given > length) throw corruptBody({ given, length }, "The body is longer than its head says");
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
        throw corruptBody({ given, length }, "The body is shorter than its head says");
      return undefined;
    },
    cancel: (reason) => source.cancel(reason),
    drain: async () => source.drain?.() ?? source.cancel(undefined),
  };
}

function corruptBody(
  { given, length }: { readonly given: number; readonly length: number },
  message: string,
): CorruptBodyError {
  const cause = new ProtocolError(message, { phase: "body", mayHaveArrived: true });
  return new CorruptBodyError(given, length < Infinity ? length : undefined, { cause });
}
