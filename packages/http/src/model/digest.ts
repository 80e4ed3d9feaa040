import type { ResponseHeaders } from "./headers.ts";

type Algorithm = "sha-256" | "sha-512" | "md5";

/** The expected hash of a whole file. */
export interface Digest {
  readonly algorithm: Algorithm;
  /** In lower case. */
  readonly hex: string;
}

/** The name of each algorithm in Node, and the length of its hash in bytes. */
export const digestAlgorithms: Readonly<
  Record<Algorithm, { readonly node: string; readonly bytes: number }>
> = {
  "sha-256": { node: "sha256", bytes: 32 },
  "sha-512": { node: "sha512", bytes: 64 },
  md5: { node: "md5", bytes: 16 },
};

/**
 * Parses a `digest` option: `sha-256=` or `sha-512=`, with or without the hyphen, then the value in hexadecimal or base64.
 *
 * @throws TypeError for anything else.
 */
export function parseDigest(text: string): Digest {
  const [, bits = "", value = ""] = /^sha-?(256|512)=(.+)$/i.exec(text.trim()) ?? [];
  const digest = toDigest(`sha-${bits}`, value.replace(/^:(.*):$/, "$1"));
  if (digest !== undefined) return digest;
  throw new TypeError(
    `A digest must be "sha-256=" or "sha-512=" and its value in hexadecimal or base64, got ${JSON.stringify(text)}`,
  );
}

const digestMembers = /(?:^|,)[ \t]*([a-z0-9*.-]+)=:([A-Za-z0-9+/]*={0,2}):/g;

/**
 * Returns the digests in the head of a response that can be checked: Repr-Digest and Content-Digest (RFC 9530), and
 * Content-MD5 (RFC 1864). In a 206, only Repr-Digest applies to the whole file.
 */
export function parseDigestHeaders(headers: ResponseHeaders, status: number): readonly Digest[] {
  const fields = status === 206 ? ["repr-digest"] : ["repr-digest", "content-digest"];
  const named = readDigestFields(headers, fields);
  const md5 = status === 206 ? undefined : toDigest("md5", headers.get("content-md5") ?? "");
  return md5 === undefined ? named : [...named, md5];
}

/** Returns the digests of the content of a response. In a 206, Repr-Digest applies to the whole file, not to the content. */
export function parseContentDigests(headers: ResponseHeaders, status: number): readonly Digest[] {
  return status === 206 ? readDigestFields(headers, ["content-digest"]) : parseDigestHeaders(headers, status);
}

function readDigestFields(headers: ResponseHeaders, fields: readonly string[]): readonly Digest[] {
  return fields.flatMap((field) =>
    [...(headers.get(field) ?? "").matchAll(digestMembers)].flatMap(([, name = "", value = ""]) =>
      name === "md5" ? [] : (toDigest(name, value) ?? []),
    ),
  );
}

function toDigest(name: string, value: string): Digest | undefined {
  if (!isAlgorithm(name)) return undefined;
  const { bytes } = digestAlgorithms[name];
  const hex = new RegExp(`^[0-9a-f]{${2 * bytes}}$`, "i").test(value)
    ? value.toLowerCase()
    : Buffer.from(value, "base64").toString("hex");
  return hex.length === 2 * bytes ? { algorithm: name, hex } : undefined;
}

/** Whether an algorithm can be checked. */
export function isAlgorithm(name: unknown): name is Algorithm {
  return typeof name === "string" && Object.hasOwn(digestAlgorithms, name);
}
