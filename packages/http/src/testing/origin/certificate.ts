import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

/** Hosts and validity of a certificate. */
export interface CertificateOptions {
  /** Host names and IPv4 addresses. @default ["localhost", "127.0.0.1"] */
  readonly hosts?: readonly string[];
  /** Start of the validity. @default 2020-01-01 */
  readonly validFrom?: Date;
  /** A date in the past makes an expired certificate. Must be before 2050. @default 2049-12-31 */
  readonly validTo?: Date;
}

/** A new private key and a certificate for it, in PEM. */
export interface SelfSigned {
  readonly key: string;
  readonly cert: string;
}

/** Creates a self-signed certificate (RFC 5280 §4.1) with a P-256 key. To trust it, use `cert` as the client's CA. */
export function selfSigned(options: CertificateOptions = {}): SelfSigned {
  const { hosts = ["localhost", "127.0.0.1"] } = options;
  const { validFrom = new Date(Date.UTC(2020, 0, 1)), validTo = new Date(Date.UTC(2049, 11, 31)) } = options;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(set(sequence(oid(commonName), der(utf8String, Buffer.from(hosts[0] ?? "nobody")))));
  const toBeSigned = sequence(
    der(0xa0, der(integer, Buffer.from([2]))),
    der(integer, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    signatureAlgorithm,
    name,
    sequence(utcTime(validFrom), utcTime(validTo)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(sequence(oid(subjectAltName), der(octetString, sequence(...hosts.map(generalName)))))),
  );
  const signature = der(bitString, Buffer.concat([Buffer.from([0]), sign("sha256", toBeSigned, privateKey)]));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: pem(sequence(toBeSigned, signatureAlgorithm, signature)),
  };
}

const integer = 0x02;
const bitString = 0x03;
const octetString = 0x04;
const utf8String = 0x0c;
const commonName = "550403";
const subjectAltName = "551d11";
/** ecdsa-with-SHA256 (RFC 5758 §3.2). */
const signatureAlgorithm = sequence(oid("2a8648ce3d040302"));

/** A DER element: its tag, its length and its contents (X.690 §8.1). */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length.toString(16);
  const digits = Buffer.from(size.length % 2 === 0 ? size : `0${size}`, "hex");
  const length = content.length < 128 ? digits : Buffer.concat([Buffer.from([0x80 | digits.length]), digits]);
  return Buffer.concat([Buffer.from([tag]), length, content]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

function set(...contents: readonly Buffer[]): Buffer {
  return der(0x31, ...contents);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function utcTime(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/\D/g, "").slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

function generalName(host: string): Buffer {
  return isIPv4(host) ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").replaceAll(/(.{64})(?=.)/g, "$1\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
