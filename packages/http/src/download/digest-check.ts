import { createHash, type Hash } from "node:crypto";
import { DigestError } from "../errors/file-errors.ts";
import { type Digest, digestAlgorithms } from "../model/digest.ts";

/** Hashes the bytes of a file as they pass, and compares the result with the expected digests. */
export class DigestCheck {
  readonly #hashes: readonly { readonly digest: Digest; readonly hash: Hash }[];

  constructor(digests: readonly Digest[]) {
    this.#hashes = digests.map((digest) => ({
      digest,
      hash: createHash(digestAlgorithms[digest.algorithm].node),
    }));
  }

  /** Whether there is no digest to compare with, so that the bytes need not pass. */
  get isEmpty(): boolean {
    return this.#hashes.length === 0;
  }

  update(piece: Uint8Array): void {
    for (const { hash } of this.#hashes) hash.update(piece);
  }

  /** Returns the error for the first digest that differs. No bytes may pass afterwards. */
  findMismatch(path: string): DigestError | undefined {
    for (const { digest, hash } of this.#hashes) {
      const actual = hash.digest("hex");
      if (actual === digest.hex) continue;
      return new DigestError(path, { algorithm: digest.algorithm, expected: digest.hex, actual });
    }
    return undefined;
  }
}
