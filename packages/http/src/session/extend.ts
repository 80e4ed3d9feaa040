import type { SessionOptions } from "../call/options.ts";
import { mergeHeaders, type HeadersInit } from "../model/headers.ts";
import { mergeParams } from "../model/request.ts";
import { resolveRetry } from "../retry/setting.ts";
import { joinHooks } from "../telemetry/hooks.ts";
import { resolveTimeouts } from "../transport/timeouts.ts";
import { sessionDefaults } from "./defaults.ts";

/** Merges options: headers, parameters, hooks, retries and timeouts are merged, and every other option replaces. */
export function extendOptions(under: SessionOptions, over: SessionOptions): SessionOptions {
  const given = Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined));
  // `minSpeed` is an option of its own.
  const { minSpeed: _, ...timeout } = resolveTimeouts(over.timeout, resolveTimeouts(under.timeout));
  const params = mergeParams(under.params, over.params);
  return {
    ...under,
    ...given,
    headers: { ...named(under.headers), ...named(over.headers) },
    ...(params !== undefined && { params }),
    hooks: joinHooks(under.hooks, over.hooks),
    retry: resolveRetry(over.retry, resolveRetry(under.retry, sessionDefaults.retry)),
    timeout,
  };
}

/** Returns headers by their names in lower case. An undefined value is kept: it removes a default. */
function named(
  headers: HeadersInit = {},
): Readonly<Record<string, string | number | readonly string[] | undefined>> {
  if (Symbol.iterator in headers) return mergeHeaders({}, headers);
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

const connectionOptions = [
  "maxConnections",
  "maxIdleConnections",
  "strictHeaders",
  "tls",
  "http2",
  "lookup",
  "localAddress",
  "family",
  "socketPath",
  "addresses",
  "allowAddresses",
  "proxyResolves",
  "clock",
] as const satisfies readonly (keyof SessionOptions)[];

/** Returns whether options change how connections are opened or kept, so that a session needs connections of its own. */
export function changesConnections(options: SessionOptions): boolean {
  return connectionOptions.some((name) => options[name] !== undefined);
}
