import { stripRootDot } from "@holdfast/policy/internal";
import type { SessionOptions } from "../call/options.ts";
import { mergeHeaders, type HeadersInit } from "../model/headers.ts";
import { mergeParams } from "../model/request.ts";
import { resolveRetry } from "../retry/setting.ts";
import { joinHooks } from "../telemetry/hooks.ts";
import { resolveTimeouts } from "../transport/timeouts.ts";
import { sessionDefaults } from "./defaults.ts";
import { withoutCredentials } from "../call/build-request.ts";

/**
 * Merges options: headers, parameters, hooks, retries and timeouts are merged, and every other option replaces. Credentials do not
 * go to the `baseUrl` of another origin, unless `sendCredentialsTo` names it.
 */
export function extendOptions(extended: SessionOptions, over: SessionOptions): SessionOptions {
  const under = leavesBase(extended, over) ? removeCredentials(extended) : extended;
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

function leavesBase({ baseUrl, sendCredentialsTo = [] }: SessionOptions, over: SessionOptions): boolean {
  if (baseUrl === undefined || over.baseUrl === undefined) return false;
  const origins = [baseUrl, ...sendCredentialsTo, ...(over.sendCredentialsTo ?? [])].map(originOf);
  return !origins.includes(originOf(over.baseUrl));
}

function originOf(url: string | URL): string {
  return stripRootDot(new URL(url).origin);
}

function removeCredentials({ auth: _auth, headers, params, ...others }: SessionOptions): SessionOptions {
  const record = mergeHeaders({}, headers, "Session.headers");
  const kept = withoutCredentials({ headers: record, params }, others.sensitiveHeaders ?? []);
  return { ...others, headers: kept.headers, ...(kept.params !== undefined && { params: kept.params }) };
}

/** Returns headers by their names in lower case. An undefined value is kept: it removes a default. */
function named(
  headers: HeadersInit = {},
): Readonly<Record<string, string | number | readonly string[] | undefined>> {
  if (Symbol.iterator in headers) return mergeHeaders({}, headers);
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** The options that change how connections are opened or kept. */
export const connectionOptions: readonly (keyof SessionOptions)[] = [
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
];

/** Returns whether options change how connections are opened or kept, so that a session needs connections of its own. */
export function changesConnections(options: SessionOptions): boolean {
  return connectionOptions.some((name) => options[name] !== undefined);
}
