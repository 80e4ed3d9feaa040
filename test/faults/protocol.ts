import assert from "node:assert/strict";
import { test as declare } from "node:test";
import { Session, type HttpAdapterOptions } from "@holdfast/http";
import {
  faultOrigin as startOrigin,
  respond,
  selfSigned,
  type FaultOrigin,
  type FaultOriginOptions,
} from "@holdfast/http/testing";
import { onlyOverHttp1 } from "./only-over-http1.ts";

/** The certificate of origins over HTTP/2; undefined over HTTP/1.1. */
let certificate: ReturnType<typeof selfSigned> | undefined;
const declared = new Set<string>();

/** Declares the tests of these files over HTTP/2, with TLS and ALPN. Those of `onlyOverHttp1` are left out. */
export async function declareOverHttp2(files: readonly string[]): Promise<void> {
  certificate = selfSigned();
  await warmUp();
  for (const file of files) await import(new URL(`${file}.test.ts`, import.meta.url).href);
  const listed = files.flatMap((file) => onlyOverHttp1[file]?.flatMap(({ tests }) => tests) ?? []);
  declare("the list of tests that are left out over HTTP/2 has no title that does not exist", () => {
    assert.deepEqual(
      listed.filter((title) => !declared.has(title)),
      [],
    );
  });
}

/** Loads node:http2 and TLS, so that the first test does not measure it. */
async function warmUp(): Promise<void> {
  await using origin = await faultOrigin({ routes: { "/": respond(204) } });
  await using session = new Session(protocolOptions());
  await session.get(`${origin.url}/`);
}

const leftOut: ReadonlySet<string> = new Set(
  Object.values(onlyOverHttp1).flatMap((groups) => groups.flatMap(({ tests }) => tests)),
);

/** Declares a test over the protocol of this process. */
export function test(title: string, run: () => unknown): void {
  declared.add(title);
  if (certificate === undefined) declare(title, async () => void (await run()));
  else if (!leftOut.has(title))
    declare(`over HTTP/2: ${title}`, { timeout: 60_000 }, async () => void (await run()));
}

/** Starts an origin that serves the protocol of this process. */
export function faultOrigin(options: FaultOriginOptions = {}): Promise<FaultOrigin> {
  return startOrigin(certificate === undefined ? options : { tls: certificate, ...options, http2: true });
}

/** Returns the URL of an origin that is still to be started on a port. */
export function urlAt(port: number): string {
  return `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}`;
}

/** Returns the options of a session that speaks the protocol of this process. */
export function protocolOptions(): { readonly http2?: boolean; readonly tls?: { readonly ca: string } } {
  return certificate === undefined ? {} : { http2: true, tls: { ca: certificate.cert } };
}

/** Whether this process tests HTTP/2. */
export function isOverHttp2(): boolean {
  return certificate !== undefined;
}

/** Number of open connections, or over HTTP/2 of requests whose stream is open. */
export function countOpen(origin: FaultOrigin): number {
  if (certificate === undefined) return origin.openConnections;
  return origin.requests.filter(({ endedAt }) => endedAt === undefined).length;
}

/** The arguments with which the programs of `programs/` speak the protocol of this process. */
export function protocolArguments(): readonly string[] {
  return certificate === undefined ? [] : ["http2"];
}

/** Returns these options of an adapter, with those of the protocol of this process. */
export function overProtocol(options: HttpAdapterOptions | undefined): HttpAdapterOptions | undefined {
  if (certificate === undefined) return options;
  const { http2 = true, tls } = protocolOptions();
  return { http2, ...options, tls: { ...tls, ...options?.tls } };
}
