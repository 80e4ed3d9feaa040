import { stripRootDot } from "@holdfast/policy/internal";
import { withoutCredentials, type RequestDefaults } from "../call/build-request.ts";
import type { SessionOptions } from "../call/options.ts";
import type { Auth } from "../auth/auth.ts";
import type { Netrc } from "../auth/netrc.ts";
import { parseBaseUrl } from "../model/base-url.ts";
import { mergeHeaders, type HeaderRecord } from "../model/headers.ts";
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

/** Returns authentication by a netrc file, which is loaded and read at the first request. */
function netrcAuth(path: string | true): Auth {
  let netrc: Promise<Netrc> | undefined;
  return async (request, refused) => {
    if (refused !== undefined) return undefined;
    netrc ??= import("../auth/netrc.ts").then((module) => new module.Netrc(path));
    return (await netrc).credentials(request);
  };
}
