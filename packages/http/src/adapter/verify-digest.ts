import { DigestError } from "../errors/file-errors.ts";
import type { BodySource } from "../model/body-source.ts";
import { digestAlgorithms, parseContentDigests } from "../model/digest.ts";
import { ResponseHeaders } from "../model/headers.ts";
import type { HttpResponse } from "../model/response.ts";
import { loadCrypto } from "../support/builtins.ts";

/** The response with the body to verify. */
export interface VerifiedHead {
  readonly status: number;
  readonly headers: ConstructorParameters<typeof ResponseHeaders>[0];
  readonly url: string;
  readonly method: string;
}

/** Receives the bytes of a body as they were sent, before they are decoded. */
export interface DigestVerifier {
  /** The number of bytes until now. */
  readonly bytes: number;
  update(bytes: Uint8Array): void;
  /** @throws DigestError if the bytes do not match. */
  finish(): void;
}

/**
 * Verifies a body against Content-Digest and Repr-Digest (RFC 9530).
 *
 * @throws DigestError if it does not match.
 */
export function verifyBody(body: Uint8Array, head: VerifiedHead): void {
  const verifier = digestVerifier(head);
  verifier?.update(body);
  verifier?.finish();
}

/** Returns a source of the same bytes. It throws a DigestError at its end if they do not match. */
export function verifiedSource(source: BodySource, verifier: DigestVerifier): BodySource {
  return {
    read: async () => {
      const chunk = await source.read();
      if (chunk === undefined) verifier.finish();
      else verifier.update(chunk);
      return chunk;
    },
    cancel: (reason) => source.cancel(reason),
    ...(source.drain !== undefined && { drain: () => source.drain?.() ?? Promise.resolve() }),
  };
}

const verifiers = new WeakMap<HttpResponse, DigestVerifier>();

/** Stores the verifier of a streamed body, so that a body that breaks off and continues is verified as a whole. */
export function attachVerifier<T extends HttpResponse>(response: T, verifier: DigestVerifier): T {
  verifiers.set(response, verifier);
  return response;
}

/** Returns the verifier of a streamed body. */
export function findVerifier(response: HttpResponse): DigestVerifier | undefined {
  return verifiers.get(response);
}

/** Undefined for a response without a digest, or without a body by its method or status. */
export function digestVerifier({ status, headers, url, method }: VerifiedHead): DigestVerifier | undefined {
  if (method === "HEAD" || status === 204 || status === 304) return undefined;
  const digests = parseContentDigests(new ResponseHeaders(headers), status);
  const hashes = digests.map((digest) => ({
    digest,
    hash: loadCrypto().createHash(digestAlgorithms[digest.algorithm].node),
  }));
  if (hashes.length === 0) return undefined;
  let length = 0;
  return {
    get bytes() {
      return length;
    },
    update: (bytes) => {
      length += bytes.length;
      for (const { hash } of hashes) hash.update(bytes);
    },
    finish: () => {
      for (const { digest, hash } of hashes) {
        const actual = hash.digest("hex");
        if (actual !== digest.hex)
          throw new DigestError(url, {
            algorithm: digest.algorithm,
            expected: digest.hex,
            actual,
            phase: "body",
          });
      }
    },
  };
}
