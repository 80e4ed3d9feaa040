import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import type { BodySource } from "../body-source.ts";
import { BodyTooLargeError, DecodeError, IncompleteBodyError } from "../errors.ts";
import { codingsOf } from "./decode.ts";
import { isZlib } from "./codings.ts";
import { codeOf } from "./happy-eyeballs.ts";

/**
 * Undoes a Content-Encoding piece by piece (RFC 9110 §8.4), and requires each coding's own end, as `decode` does for
 * whole bodies. Memory stays bounded however much a few bytes grow to; what is read fails beyond `maxBytes`.
 *
 * Its `read` throws IncompleteBodyError, DecodeError, BodyTooLargeError, or what the source throws.
 */
export function decodeStream(source: BodySource, contentEncoding: string | undefined, maxBytes: number): BodySource {
  const names = codingsOf(contentEncoding);
  let decoded = source;
  for (const name of names.toReversed()) {
    const coding = codings[name];
    if (coding === undefined) break;
    decoded = new DecodedSource(decoded, name, coding);
  }
  return decoded === source ? source : new LimitedSource(decoded, maxBytes);
}

/** A decoder as Node makes it, which counts the bytes that it took. */
type Decoder = Transform & zlib.Zlib;

interface StreamCoding {
  /** Makes a decoder for a body that begins with these bytes. */
  readonly open: (first: Uint8Array) => Decoder;
  /** How many bytes must be known to open it. */
  readonly firstBytes: number;
  /** Whether more of the same may follow the end. */
  readonly repeats: boolean;
}
