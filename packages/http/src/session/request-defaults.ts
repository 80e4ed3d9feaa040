import { isSecretHeader, isSecretParameter, stripRootDot } from "@holdfast/policy/internal";
import type { OriginDefaults, RequestDefaults } from "../call/build-request.ts";
import type { SessionOptions } from "../call/options.ts";
import type { Auth } from "../auth/auth.ts";
import type { Netrc } from "../auth/netrc.ts";
import { parseBaseUrl } from "../model/base-url.ts";
import { mergeHeaders, type HeaderRecord } from "../model/headers.ts";
import { filterParams } from "../model/request.ts";
import { socketHost } from "../transport/unix-url.ts";

/** Returns the parts that a session adds to each request. The base of a session with a socket is the host of sockets. */
export function toRequestDefaults(options: SessionOptions, defaults: HeaderRecord): RequestDefaults {
  const { params, netrc = false, idempotencyHeader, enableUnixSockets, baseUrl, socketPath } = options;
  const fromFile = netrc === false ? undefined : netrcAuth(netrc);
  const auth = options.auth ?? fromFile;
  const headers = Object.freeze(mergeHeaders(defaults, options.headers, "Session.headers"));
  const text = baseUrl ?? (socketPath === undefined ? undefined : `http://${socketHost}/`);
  const shared = { headers, params, auth, idempotencyHeader, enableUnixSockets };
  if (text === undefined) return { ...shared, base: undefined };
  const base = parseBaseUrl(text);
  // Every request of a session with a socket goes to that socket.
  if (socketPath !== undefined) return { ...shared, base };
  const allowed = [base.url, ...(options.sendCredentialsTo ?? [])];
  const origins = new Set(allowed.map((origin) => stripRootDot(new URL(origin).origin)));
  return {
    ...shared,
    base,
    elsewhere: {
      origins,
      usualPrefix: `${base.url.origin}/`,
      // The entries of a netrc file name their hosts.
      defaults: { ...withoutCredentials(shared, options.sensitiveHeaders ?? []), auth: fromFile },
    },
  };
}

/** Returns the parts without `auth`, and without headers and parameters with names of credentials. */
export function withoutCredentials(
  { headers, params }: Pick<OriginDefaults, "headers" | "params">,
  sensitive: readonly string[],
): OriginDefaults {
  const secret = new Set(sensitive.map((name) => name.toLowerCase()));
  const isKept = (name: string): boolean =>
    // Only a proxy gets Proxy-Authorization.
    name === "proxy-authorization" || (!isSecretHeader(name) && !secret.has(name));
  const kept = Object.entries(headers).filter(([name]) => isKept(name));
  return {
    headers: Object.freeze(Object.fromEntries(kept)),
    params: params === undefined ? undefined : filterParams(params, (name) => !isSecretParameter(name)),
    auth: undefined,
  };
}

/** Returns authentication by a netrc file, which is loaded and read at the first request. */
function netrcAuth(path: string | true): Auth {
  let netrc: Promise<Netrc> | undefined;
  return async (request, refused) => {
    if (refused !== undefined) return undefined;
    netrc ??= import("../auth/netrc.ts").then((module) => new module.Netrc(path));
    return (await netrc).credentials(request);
  };
}
