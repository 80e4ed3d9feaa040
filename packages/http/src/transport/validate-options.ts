import { isIP } from "node:net";
import {
  aFunction,
  integer,
  flag,
  objectWithMethods,
  isObject,
  kind,
  listOf,
  options,
  type Check,
  type Checks,
  type Problem,
} from "../support/validate.ts";
import type { TlsOptions } from "./connect/tls.ts";
import { errorCode } from "./errors/error-code.ts";
import type { TransportOptions } from "./transport.ts";
import { loadCrypto, loadTls } from "../support/builtins.ts";

const stringOption = kind({ wanted: "a string", fits: (value) => typeof value === "string" });
const secretStringOption = kind({
  wanted: "a string",
  fits: (value) => typeof value === "string",
  secret: true,
});

/** Validates a certificate or a key: a string, bytes, or a list of them. OpenSSL validates the content. */
const keyMaterial = kind({
  wanted: "a string or bytes, or a list of them",
  fits: (value) =>
    [value].flat().every((one) => typeof one === "string" || ArrayBuffer.isView(one) || isObject(one)),
  secret: true,
});

const tlsFields: Check = options<TlsOptions>(
  {
    ca: kind({
      wanted: "certificates in PEM, such as readFileSync(path)",
      fits: (value) => [value].flat().every((one) => isPem(one)),
      secret: true,
    }),
    cert: keyMaterial,
    key: keyMaterial,
    passphrase: secretStringOption,
    pfx: keyMaterial,
    rejectUnauthorized: flag,
    servername: stringOption,
    minVersion: stringOption,
    maxVersion: stringOption,
    ciphers: stringOption,
    requireCloseNotify: flag,
  },
  { verify: "rejectUnauthorized", insecure: "rejectUnauthorized", caFile: "ca: readFileSync(path)" },
);

/** Validates TLS options. Options that no handshake could use are rejected before the first connection. */
const tls: Check = (value) => {
  const problem = tlsFields(value);
  if (problem !== undefined || !isObject(value)) return problem;
  try {
    loadTls().createSecureContext(value);
    return undefined;
  } catch (error) {
    const given = Object.keys(value).filter((name) => value[name] !== undefined);
    return { at: "", says: `{ ${given.join(", ")} } cannot be used (${errorCode(error)})`, range: false };
  }
};

/** Validates an IP address, or a range of them such as `10.0.0.0/8`. */
const addressRange: Check = kind({
  wanted: 'an IP address or a range, such as "10.1.0.0/16"',
  fits: (value) => {
    const [, address = "", length = "0"] =
      (typeof value === "string" && /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(value)) || [];
    const family = isIP(address);
    return family !== 0 && Number(length) <= (family === 4 ? 32 : 128);
  },
  type: "string",
});

/** Checks that options about addresses are not given without `addresses: "public"`, where they would do nothing. */
export function problemWithAddresses(value: unknown): Problem | undefined {
  if (!isObject(value) || value["addresses"] === "public") return undefined;
  const useless = ["allowAddresses", "proxyResolves"].find((name) => value[name] !== undefined);
  return useless === undefined
    ? undefined
    : {
        at: `.${useless}`,
        says: 'needs addresses: "public", without which every address is allowed',
        range: false,
      };
}

/** Validates the options of a transport. */
export const transportChecks: Checks<TransportOptions> = {
  maxConnections: integer(1),
  maxIdleConnections: integer(0),
  tls,
  http2: flag,
  lookup: aFunction,
  localAddress: kind({
    wanted: 'an IP address of this machine, such as "192.0.2.1"',
    fits: (value) => typeof value === "string" && isIP(value) !== 0,
    type: "string",
  }),
  family: kind({
    wanted: "4 for IPv4 or 6 for IPv6",
    fits: (value) => value === 4 || value === 6,
    type: "number",
  }),
  socketPath: kind({
    wanted: 'the path of a Unix socket, such as "/var/run/docker.sock"',
    fits: (value) => typeof value === "string" && value !== "",
    type: "string",
  }),
  strictHeaders: flag,
  addresses: kind({
    wanted: '"any" or "public"',
    fits: (value) => value === "any" || value === "public",
    type: "string",
  }),
  allowAddresses: listOf(addressRange, 'a list of addresses and ranges such as ["10.1.0.0/16"]'),
  proxyResolves: flag,
  clock: objectWithMethods("a clock", ["now", "date", "sleep"]),
};

// Node silently treats any other text as an empty list of certificates.
function isPem(value: unknown): boolean {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) return false;
  try {
    return (
      Buffer.from(value).includes("-----BEGIN ") &&
      new (loadCrypto().X509Certificate)(value).subject !== undefined
    );
  } catch {
    return false;
  }
}
