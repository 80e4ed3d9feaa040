import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A certificate with its key, as PEM and as files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** One certificate of each kind; `good`, `expired` and `wrongHost` are signed by `ca`. */
export interface Certificates {
  readonly ca: Certificate;
  /** For localhost and 127.0.0.1. */
  readonly good: Certificate;
  /** For localhost and 127.0.0.1. Expired yesterday. */
  readonly expired: Certificate;
  /** For localhost and 127.0.0.1. Self-signed. */
  readonly selfSigned: Certificate;
  /** For elsewhere.example only. */
  readonly wrongHost: Certificate;
}

let cached: Promise<Certificates> | undefined;

/** Returns one certificate of every kind. openssl creates them once per process; they are removed when it exits. */
export function certificates(): Promise<Certificates> {
  cached ??= createCertificates();
  return cached;
}

async function createCertificates(): Promise<Certificates> {
  const { path } = await temporaryDirectory("certificates");
  process.once("exit", () => rmSync(path, { recursive: true, force: true }));
  const here = "DNS:localhost,IP:127.0.0.1";
  const ca = await issue(path, {
    name: "ca",
    subject: "holdfast test CA",
    extensions: "basicConstraints=critical,CA:TRUE",
  });
  const [good, expired, selfSigned, wrongHost] = await Promise.all([
    issue(path, { name: "good", subject: "localhost", extensions: `subjectAltName=${here}`, ca }),
    issue(path, {
      name: "expired",
      subject: "localhost",
      extensions: `subjectAltName=${here}`,
      ca,
      days: -1,
    }),
    issue(path, { name: "self-signed", subject: "localhost", extensions: `subjectAltName=${here}` }),
    issue(path, {
      name: "wrong-host",
      subject: "elsewhere.example",
      extensions: "subjectAltName=DNS:elsewhere.example",
      ca,
    }),
  ]);
  return { ca, good, expired, selfSigned, wrongHost };
}

interface Issue {
  readonly name: string;
  readonly subject: string;
  readonly extensions: string;
  /** The signer. @default self-signed */
  readonly ca?: Certificate;
  readonly days?: number;
}

async function issue(
  directory: string,
  { name, subject, extensions, ca, days = 2 }: Issue,
): Promise<Certificate> {
  const file = (ending: string): string => join(directory, `${name}.${ending}`);
  const [keyFile, certFile, request, extensionFile] = [file("key"), file("crt"), file("csr"), file("ext")];
  await writeFile(extensionFile, extensions);
  await openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", keyFile);
  await openssl("req", "-new", "-key", keyFile, "-subj", `/CN=${subject}`, "-out", request);
  // A random serial number. With a serial file, parallel signings could read it half-written.
  const serial = ["-set_serial", `0x${randomBytes(8).toString("hex")}`];
  const signer =
    ca === undefined ? ["-signkey", keyFile] : ["-CA", ca.certFile, "-CAkey", ca.keyFile, ...serial];
  const output = ["-days", String(days), "-extfile", extensionFile, "-out", certFile];
  await openssl("x509", "-req", "-in", request, ...signer, ...output);
  return { cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8"), certFile, keyFile };
}

async function openssl(...args: readonly string[]): Promise<void> {
  await promisify(execFile)("openssl", args);
}
