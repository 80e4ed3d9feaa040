import type { RetryInit, Session, SessionOptions } from "@holdfast/http";
import { type HeaderSource, parseHeaderSources, resolveHeaders } from "../command-line/header-sources.ts";
import {
  parseAddresses,
  parseByteSize,
  parseDuration,
  parseWholeNumber,
} from "../command-line/parse-options.ts";
import type { ParsedOptions } from "../command-line/parse-options.ts";
import { OptionError, UsageError } from "../process/usage-error.ts";

/** The options of every command that sends requests. */
export const sessionFlags = {
  attempts: { type: "string" },
  timeout: { type: "string" },
  "connect-timeout": { type: "string" },
  "read-timeout": { type: "string" },
  "wire-timeout": { type: "string" },
  "max-bytes": { type: "string" },
  "min-speed": { type: "string" },
  netrc: { type: "boolean", short: "n" },
  "netrc-file": { type: "string" },
  // The folder of a run keeps headers apart, without the values of secret ones.
  header: { type: "string", short: "H", multiple: true, remember: false },
  "header-env": { type: "string", multiple: true, remember: false },
  "header-file": { type: "string", multiple: true, remember: false },
  "public-only": { type: "boolean" },
  "allow-address": { type: "string", multiple: true },
  "proxy-resolves": { type: "boolean" },
} as const;

/** Returns the lines of a help text about these options, with the defaults of `--max-bytes` and `--wire-timeout`. */
export function sessionHelp(maxBytes: string, wireTimeout: string): string {
  return `  --attempts N             maximum attempts per URL, first included (4)
  --timeout TIME           limit per URL for its attempts and back-off (none);
                           in a run, waits for hosts and proxies do not count
  --connect-timeout TIME   limit for a connection (5s)
  --read-timeout TIME      limit for silence from the server (30s)
  --wire-timeout TIME      limit per URL for its attempts on the wire, without
                           waits and fast bodies (${wireTimeout})
  --max-bytes SIZE         largest body, decoded; a larger one fails (${maxBytes})
  --min-speed SIZE         slowest body in bytes per second, over 60 s (100); 0
                           for any speed
  -H, --header 'N: V'      add a header to every request; may be repeated
  --header-env 'N=VAR'     as -H, with the value of an environment variable
  --header-file 'N=FILE'   as -H, with the content of a file
  -n, --netrc              send each host the user and password that $NETRC or
                           ~/.netrc has for it
  --netrc-file FILE        as -n, from FILE
  --public-only            connect only to public addresses, and not to this
                           machine or to private networks
  --allow-address RANGE    with --public-only, also connect to these addresses,
                           such as 10.1.0.0/16; may be repeated
  --proxy-resolves         with --public-only, let a proxy look up the names of
                           http URLs, unchecked`;
}

/** The lines of a help text about the values of these options. */
export const unitsHelp = `TIME is a number with ms, s, m or h. SIZE is a number of bytes, or one with k, M
or G (powers of 1024).`;

/** The validated values of these options. Times are in milliseconds. */
export interface SessionSettings {
  readonly attempts: number;
  readonly headers: readonly HeaderSource[];
  readonly total: number | undefined;
  readonly connect: number | undefined;
  readonly read: number | undefined;
  readonly wire: number | undefined;
  readonly maxBytes: number | undefined;
  /** Bytes a second. */
  readonly minSpeed: number | undefined;
  /** Bytes of all bodies at a time. */
  readonly maxMemory?: number | undefined;
  /** The addresses that may be used; undefined for all. */
  readonly addresses: Pick<SessionOptions, "addresses" | "allowAddresses" | "proxyResolves"> | undefined;
  /** Where the passwords of hosts are: the path of a netrc file, or `true` for that of the user. */
  readonly netrc?: string | true;
}

/**
 * Validates the options of a session.
 *
 * @throws UsageError for the first invalid value.
 */
export function readSessionFlags(values: ParsedOptions<typeof sessionFlags>["values"]): SessionSettings {
  return {
    attempts: parseWholeNumber("attempts", values.attempts, { min: 1, max: 100 }) ?? 4,
    headers: parseHeaderSources(values),
    total: parseDuration("timeout", values.timeout),
    connect: parseDuration("connect-timeout", values["connect-timeout"]),
    read: parseDuration("read-timeout", values["read-timeout"]),
    wire: parseDuration("wire-timeout", values["wire-timeout"]),
    maxBytes: parseByteSize("max-bytes", values["max-bytes"]),
    minSpeed: values["min-speed"] === "0" ? 0 : parseByteSize("min-speed", values["min-speed"]),
    addresses: readAddressFlags(values),
    ...readNetrcFlags(values),
  };
}

function readAddressFlags({
  "public-only": publicOnly,
  "allow-address": allowed,
  "proxy-resolves": proxyResolves,
}: ParsedOptions<typeof sessionFlags>["values"]): SessionSettings["addresses"] {
  const allowAddresses = parseAddresses("allow-address", allowed);
  if (publicOnly !== true) {
    const useless = allowAddresses !== undefined ? "allow-address" : proxyResolves && "proxy-resolves";
    if (typeof useless === "string")
      throw new OptionError(useless, "needs --public-only, without which every address is allowed");
    return undefined;
  }
  return {
    addresses: "public",
    ...(allowAddresses !== undefined && { allowAddresses }),
    ...(proxyResolves === true && { proxyResolves }),
  };
}

function readNetrcFlags({
  netrc,
  "netrc-file": file,
}: ParsedOptions<typeof sessionFlags>["values"]): Pick<SessionSettings, "netrc"> {
  if (file === "") throw new OptionError("netrc-file", "must be the path of a file", file);
  if (file !== undefined) return { netrc: file };
  return netrc === true ? { netrc } : {};
}

/** Reads the file before the first request, so that a mistake in it does not fail every line of a run. */
async function checkNetrc(path: string | true): Promise<void> {
  const { readNetrc } = await import("@holdfast/http/internal");
  try {
    await readNetrc(path);
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

/** What a session needs apart from its settings. */
interface SessionContext {
  /** The environment, for headers with their values there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly retry?: RetryInit;
  readonly proxy?: SessionOptions["proxy"] | undefined;
}

/**
 * Opens a session; the transport is loaded here and not earlier. The caller closes the session. `retry` changes single
 * settings of the default `Retry` of a session.
 *
 * @throws UsageError for a header without a value.
 */
export async function openSession(
  settings: SessionSettings,
  { env, retry, proxy }: SessionContext,
): Promise<Session> {
  const headers = resolveHeaders(settings.headers, env);
  const { Session, sessionDefaults } = await import("@holdfast/http");
  if (settings.netrc !== undefined) await checkNetrc(settings.netrc);
  const { total, connect, read, wire, maxBytes, maxMemory, minSpeed, addresses, netrc } = settings;
  return new Session({
    headers,
    retry: sessionDefaults.retry.new({ total: settings.attempts - 1, ...retry }),
    ...given({ maxBytes, maxMemory, minSpeed }),
    ...addresses,
    ...(netrc !== undefined && { netrc }),
    ...(proxy === undefined ? {} : { proxy }),
    timeout: given({ total, connect, read, wire }),
  });
}

/** Returns the values that the command line has. */
export function given(
  values: Readonly<Record<string, number | undefined>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
