import { Readable } from "node:stream";
import type { Body } from "../model/body.ts";
import { toReadable } from "../model/stream-body.ts";

/** The largest body that is recorded while it is sent, in bytes. */
export const maxRecordedBytes = 1_048_576;

/**
 * Returns a body that can be sent again although its source can be read once: the pieces are recorded as they are sent, and a later
 * attempt sends them again before it reads on. `length` is the length in bytes.
 */
export function recordedBody(source: AsyncIterable<unknown>, length: number): Body {
  const iterator = source[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let pending: Promise<boolean> | undefined;
  /** Reads one more piece. Resolves with whether there was one. */
  const readMore = (): Promise<boolean> =>
    (pending ??= iterator
      .next()
      .then(({ done, value }) => {
        if (done !== true) pieces.push(toBytes(value));
        return done !== true;
      })
      .finally(() => (pending = undefined)));
  async function* replay(): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < pieces.length || (await readMore()); index += 1) {
      const piece = pieces[index];
      if (piece !== undefined) yield piece;
    }
  }
  return {
    kind: "factory",
    make: () => toReadable(replay()),
    length,
  };
}

/** Copies a piece, which its owner may use again. */
function toBytes(piece: unknown): Uint8Array {
  if (typeof piece === "string") return Buffer.from(piece);
  if (piece instanceof Uint8Array) return Uint8Array.from(piece);
  throw new TypeError(`A body stream must give strings or bytes, got ${typeof piece}`);
}

/** Returns a body that is sent once, as its source gives it. An empty source is an empty body. */
export function streamedBody(source: AsyncIterable<unknown>): Body {
  const stream = source instanceof Readable ? source : Readable.from(source, { objectMode: false });
  stream.on("error", () => undefined);
  return { kind: "one-shot", stream };
}
