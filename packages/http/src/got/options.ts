/** The options of a request of got, as its hooks receive them. */
export interface GotOptions {
  readonly url: URL | undefined;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  body: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly timeout: Readonly<Record<string, number | undefined>>;
  readonly isStream?: boolean | undefined;
  readonly hooks: { readonly beforeRequest: readonly ((options: GotOptions, context: object) => unknown)[] };
  readonly [option: string]: unknown;
}

/** The options of got's own transport, and what replaces each one. */
const refused: Readonly<Record<string, string>> = {
  agent: "the options proxy, tls and maxConnections of the session",
  cache: "a cache of your own",
  createConnection: "the option socketPath of the session",
  dnsCache: "the option lookup of the session",
  dnsLookup: "the option lookup of the session",
  dnsLookupIpVersion: "the option family of the session",
  h2session: "the option http2 of the session",
  http2: "the option http2 of the session",
  https: "the option tls of the session",
  insecureHTTPParser: "its default: responses are parsed leniently where that is safe",
  localAddress: "the option localAddress of the session",
  maxHeaderSize: "its default: heads of up to 256 KiB are read",
  request: "its default: the session sends the request",
};

const refusedTimeouts: Readonly<Record<string, string>> = {
  connect: "timeout: { connect }",
  lookup: "timeout: { connect }",
  secureConnect: "timeout: { connect }",
  read: "timeout: { read }",
  response: "timeout: { read }",
  send: "timeout: { attempt }",
  socket: "timeout: { read }",
};

/** @throws TypeError for an option that belongs to got's own transport or retries. */
export function refuseOptions(options: GotOptions): void {
  for (const [name, replacement] of Object.entries(refused))
    if (isSet(options[name])) throw refusedError(name, replacement);
  for (const [name, replacement] of Object.entries(refusedTimeouts))
    if (options.timeout[name] !== undefined)
      throw refusedError(`timeout.${name}`, `the option ${replacement} of the session`);
  if (options.url?.protocol === "unix:")
    throw refusedError("enableUnixSockets", "the option socketPath of the session");
  if (hasRetries(options["retry"]))
    throw refusedError("retry", "the option retry of the session: two loops would multiply their attempts");
}

function hasRetries(retry: unknown): boolean {
  return typeof retry === "object" && retry !== null && "limit" in retry && retry.limit !== 0;
}

function refusedError(name: string, replacement: string): TypeError {
  return new TypeError(
    `The option ${name} of got does not apply to an instance that is attached to a session. Use ${replacement}`,
  );
}

/** Whether an option has a value, or an object of options has one. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return true;
  return Object.values(value).some((part) => part !== undefined);
}
