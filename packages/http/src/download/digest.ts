import type { ResponseHeaders } from "../model/headers.ts";

type Algorithm = "sha-256" | "sha-512" | "md5";

/** What a whole file must hash to. */
export interface Digest {
  readonly algorithm: Algorithm;
  /** In lower case. */
  readonly hex: string;
}

/** What Node calls each algorithm, and how many bytes it gives. */
export const algorithms: Readonly<Record<Algorithm, { readonly node: string; readonly bytes: number }>> = {
  "sha-256": { node: "sha256", bytes: 32 },
  "sha-512": { node: "sha512", bytes: 64 },
  md5: { node: "md5", bytes: 16 },
};

/**
 * Reads a digest as a caller writes it: `sha-256=` or `sha-512=`, with or without the dash, and the value, in hexadecimal
 * or base64.
 *
 * @throws TypeError for anything else.
 */
export function parseDigest(text: string): Digest {
  const [, bits = "", value = ""] = /^sha-?(256|512)=(.+)$/i.exec(text.trim()) ?? [];
  const digest = digestFrom(`sha-${bits}`, value.replace(/^:(.*):$/, "$1"));
  if (digest !== undefined) return digest;
  throw new TypeError(
    `A digest reads "sha-256=" or "sha-512=" and its value in hexadecimal or base64, got ${JSON.stringify(text)}`,
  );
}

const members = /(?:^|,)[ \t]*([a-z0-9*.-]+)=:([A-Za-z0-9+/]*={0,2}):/g;

/**
 * What the head of an answer says that its content hashes to, as far as it can be checked: Repr-Digest and
 * Content-Digest (RFC 9530), and the Content-MD5 of RFC 1864. Of a 206 only Repr-Digest speaks of the whole.
 */
export function digestsIn(headers: ResponseHeaders, status: number): readonly Digest[] {
  const fields = status === 206 ? ["repr-digest"] : ["repr-digest", "content-digest"];
  const named = fields.flatMap((field) =>
    [...(headers.get(field) ?? "").matchAll(members)].flatMap(([, name = "", value = ""]) =>
      name === "md5" ? [] : (digestFrom(name, value) ?? []),
    ),
  );
  const md5 = status === 206 ? undefined : digestFrom("md5", headers.get("content-md5") ?? "");
  return md5 === undefined ? named : [...named, md5];
}

function digestFrom(name: string, value: string): Digest | undefined {
  if (!isAlgorithm(name)) return undefined;
  const { bytes } = algorithms[name];
  const hex = new RegExp(`^[0-9a-f]{${2 * bytes}}$`, "i").test(value)
    ? value.toLowerCase()
    : Buffer.from(value, "base64").toString("hex");
  return hex.length === 2 * bytes ? { algorithm: name, hex } : undefined;
}

/** Whether a name is one of the algorithms that can be checked. */
export function isAlgorithm(name: unknown): name is Algorithm {
  return typeof name === "string" && Object.hasOwn(algorithms, name);
}
