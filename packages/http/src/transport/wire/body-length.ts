import { UnsendableRequest } from "../errors/unsendable-request.ts";
import type { BodyPieces } from "./protocol.ts";

/**
 * Returns the pieces of a body as bytes. The piece that completes `length` follows only after the source has ended, so that
 * a body which is too long is never sent as a complete one.
 *
 * @throws UnsendableRequest for a body of another length, or a piece that is neither text nor bytes.
 */
export async function* checkLength(
  pieces: BodyPieces,
  length: number | undefined,
): AsyncGenerator<Uint8Array, void> {
  let total = 0;
  let last: Uint8Array | undefined;
  for await (const piece of pieces) {
    const bytes = toPieceBytes(piece);
    total += bytes.length;
    if (length !== undefined && total > length) throw longerBody(length);
    if (bytes.length === 0) continue;
    if (total === length) last = bytes;
    else yield bytes;
  }
  if (length !== undefined && total !== length) throw lengthMismatch(length, total);
  if (last !== undefined) yield last;
}

/** Returns whether a body comes in pieces. */
export function isBodyPieces(body: BodyPieces | string | Uint8Array | null | undefined): body is BodyPieces {
  return typeof body === "object" && body !== null && !(body instanceof Uint8Array);
}

/**
 * Returns the number in a Content-Length header.
 *
 * @throws UnsendableRequest for anything else.
 */
export function parseDeclaredLength(value: string | readonly string[]): number {
  const text = String(value);
  if (!/^\d{1,15}$/.test(text))
    throw new UnsendableRequest(
      `The header content-length must be a whole number, got ${JSON.stringify(text)}`,
    );
  return Number(text);
}

/** Returns the error for a body of the wrong length: its end would be read as part of the next request, or the reverse. */
export function lengthMismatch(declared: number, actual: number): UnsendableRequest {
  return new UnsendableRequest(
    `The body must have the ${declared} bytes of its Content-Length header, got ${actual}`,
  );
}

function longerBody(declared: number): UnsendableRequest {
  return new UnsendableRequest(
    `The body must have the ${declared} bytes of its Content-Length header, got more`,
  );
}

/** Converts a piece of a body. A stream may contain anything, which is known only when the piece is read. */
function toPieceBytes(piece: unknown): Uint8Array {
  if (typeof piece === "string") return Buffer.from(piece);
  if (piece instanceof Uint8Array) return piece;
  throw new UnsendableRequest(`A body stream must give strings or bytes, got ${typeof piece}`);
}
