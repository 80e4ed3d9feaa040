import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import {
  aFunction,
  integer,
  flag,
  objectWithMethods,
  isObject,
  kind,
  options,
  type Check,
  type Checks,
} from "../support/validate.ts";
import type { TlsOptions } from "./connect/tls.ts";
import type { TransportOptions } from "./transport.ts";

const textOption = kind({ wanted: "a text", fits: (value) => typeof value === "string" });
const secretTextOption = kind({ wanted: "a text", fits: (value) => typeof value === "string", secret: true });

/** A certificate or a key: text or bytes, or several of them; what is in it is OpenSSL's to read. */
const material = kind({
  wanted: "a text or bytes, or a list of them",
  fits: (value) =>
    [value].flat().every((one) => typeof one === "string" || ArrayBuffer.isView(one) || isObject(one)),
  secret: true,
});

const tlsNames: Check = options<TlsOptions>(
  {
    ca: kind({
      wanted: "certificates in PEM",
      fits: (value) => [value].flat().every((one) => isPem(one)),
      secret: true,
    }),
    cert: material,
    key: material,
    passphrase: secretTextOption,
    pfx: material,
    rejectUnauthorized: flag,
    servername: textOption,
    minVersion: textOption,
    maxVersion: textOption,
    ciphers: textOption,
    requireCloseNotify: flag,
  },
  { verify: "rejectUnauthorized" },
);

/** What TLS may be told: what no handshake could ever be made with is told before the first one. */
const tls: Check = (value) => {
  const problem = tlsNames(value);
  if (problem !== undefined || !isObject(value)) return problem;
  try {
    createSecureContext(value);
    return undefined;
  } catch (error) {
    const given = Object.keys(value).filter((name) => value[name] !== undefined);
    return { at: "", says: `{ ${given.join(", ")} } cannot be used (${codeOf(error)})`, range: false };
  }
};

/** What a transport may be told. */
export const transportChecks: Checks<TransportOptions> = {
  maxConnections: integer(1),
  tls,
  http2: flag,
  lookup: aFunction,
  localAddress: textOption,
  clock: objectWithMethods("a clock", ["now", "date", "sleep"]),
};

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? String(error.code) : error.message;
}

// Node takes any other text for no certificates at all, and says nothing.
function isPem(value: unknown): boolean {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) return false;
  try {
    return Buffer.from(value).includes("-----BEGIN ") && new X509Certificate(value).subject !== undefined;
  } catch {
    return false;
  }
}
