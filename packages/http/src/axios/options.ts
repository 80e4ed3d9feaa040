import { ownValue } from "@holdfast/policy/internal";

/** The options of a request of axios. */
export interface AxiosOptions {
  adapter?: unknown;
  env?: object | undefined;
  readonly responseType?: unknown;
  readonly [option: string]: unknown;
}

/** The options of axios's http adapter that its fetch adapter lacks, and what replaces each one. */
const refused: Readonly<Record<string, string>> = {
  allowedSocketPaths: "the option socketPath of the session",
  beforeRedirect: "maxRedirects: 0 and a request of your own",
  decompress: 'headers: { "accept-encoding": "identity" }',
  family: "the option family of the session",
  http2Options: "the option http2 of the session",
  httpAgent: "the options proxy, tls and maxConnections of the session",
  httpsAgent: "the options proxy, tls and maxConnections of the session",
  httpVersion: "the option http2 of the session",
  insecureHTTPParser: "its default: responses are parsed leniently where that is safe",
  lookup: "the option lookup of the session",
  maxRate: "the option minSpeed of the session for a least speed; there is no maximum",
  maxRedirects: "0 for none, or leave it out for up to 20",
  proxy: "the option proxy of the session, or false",
  responseEncoding: 'responseType: "arraybuffer" and a TextDecoder',
  sensitiveHeaders: "the option sensitiveHeaders of the session",
  socketPath: "the option socketPath of the session",
  transport: "session.mount(prefix, adapter)",
};

/** Values that mean the same with both adapters. */
const allowed: Readonly<Record<string, readonly unknown[]>> = {
  decompress: [true],
  httpVersion: [1],
  insecureHTTPParser: [false],
  maxRedirects: [0],
  proxy: [false],
  responseEncoding: ["utf8", "utf-8"],
};

/** @throws TypeError for an option that axios's fetch adapter lacks. */
export function refuseOptions(options: AxiosOptions): void {
  for (const [name, replacement] of Object.entries(refused)) {
    const value = ownValue(options, name);
    if (value === undefined || value === null || allowed[name]?.includes(value) === true) continue;
    throw new TypeError(
      `The option ${name} of axios does not apply to an instance that is attached to a session. Use ${replacement}`,
    );
  }
}
