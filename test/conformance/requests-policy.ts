import { HoldfastError, RetryError } from "@holdfast/policy";
import * as ours from "../../packages/http/src/errors/transport-errors.ts";
import {
  bypasses,
  environmentProxies,
  type ProxyMap,
  proxyFor,
} from "../../packages/http/src/proxy/route/environment.ts";
import { leavesOrigin, toRedirectRequest } from "../../packages/http/src/model/redirect-request.ts";
import type { RetryCount } from "../../packages/http/src/retry/options.ts";
import { Retry } from "../../packages/http/src/retry/retry.ts";
import { translateError } from "../../packages/http/src/transport/exchange/translate-error.ts";
import type { Adapter, Vector } from "./adapter.ts";
import { difference } from "./compare.ts";
import { countersOf } from "./urllib3-retry.ts";

/** Checks redirects, credentials, proxies, error names and retry counts against requests. */
export const requestsPolicy: Adapter = {
  redirect_method: (vector) => checkRedirect(vector, vector["body_kept"]),
  redirect_auth: ({ from, to, strip_authorization }) =>
    difference(strip_authorization, leavesOrigin(new URL(String(from)), new URL(String(to)))),
  proxy: (vector) =>
    difference({ chosen: vector["chosen"], bypassed: vector["no_proxy_matches"] }, chosenBy(vector)),
  errors: ({ phase, urllib3, requests }) => {
    const kind = counterpart[String(requests)];
    if (kind === undefined) return `requests lets ${String(urllib3)} through`;
    const found = errorFor(String(phase), String(urllib3));
    return found instanceof kind ? undefined : `expected ${kind.name}, got ${String(found)}`;
  },
  max_retries: ({ max_retries, counters, raise_on_redirect, raise_on_status }) => {
    // requests replaces 0, its default, by another value.
    const retry =
      max_retries === 0 || max_retries === false
        ? Retry.urllib3({ total: 0, read: false })
        : Retry.fromInt(max_retries as RetryCount);
    const { raiseOnRedirect, raiseOnStatus } = retry;
    return difference(
      [counters, raise_on_redirect, raise_on_status],
      [countersOf(retry), raiseOnRedirect, raiseOnStatus],
    );
  },
};

/** Plays a redirect of a request with a body. */
export function checkRedirect(
  { status, method, next_method, followed }: Vector,
  bodyKept: unknown,
): string | undefined {
  const request = {
    method: String(method),
    url: new URL("http://a.test/"),
    headers: {},
    body: { kind: "bytes", bytes: "x" },
  } as const;
  const redirect = toRedirectRequest(request, { status: Number(status), location: "/next" });
  const seen = redirect.follow
    ? {
        next_method: redirect.request.method,
        followed: true,
        body_kept: redirect.request.body.kind !== "none",
      }
    : { next_method: method, followed: false, body_kept: false };
  return difference({ next_method, followed, body_kept: bodyKept }, seen);
}

interface ProxyVector {
  readonly url: string;
  readonly trust_env: boolean;
  readonly env: ProxyMap;
  readonly session_proxies: ProxyMap;
  readonly request_proxies: ProxyMap;
}

/** Returns the proxy that holdfast chooses, and whether no_proxy includes the host of the URL. */
export function chosenBy(vector: Vector): { readonly chosen: string | null; readonly bypassed: boolean } {
  const {
    url,
    trust_env,
    env,
    session_proxies: session,
    request_proxies: request,
  } = vector as unknown as ProxyVector;
  const target = new URL(url);
  const named = request["no_proxy"] ?? session["no_proxy"] ?? environmentProxies(env)["no_proxy"];
  return {
    chosen: proxyFor(target, { request, session, environment: trust_env ? env : undefined }) ?? null,
    bypassed: bypasses(target, named),
  };
}

/** Returns every no_proxy list of a case. */
export function noProxyOf(vector: Vector): readonly string[] {
  const { env, session_proxies, request_proxies } = vector as unknown as ProxyVector;
  return [request_proxies["no_proxy"], session_proxies["no_proxy"], env["no_proxy"], env["NO_PROXY"]].flatMap(
    (list) => list ?? [],
  );
}

const counterpart: Readonly<Record<string, abstract new (...args: never[]) => Error>> = {
  ConnectionError: ours.ConnectionError,
  ConnectTimeout: ours.ConnectTimeoutError,
  ReadTimeout: ours.ReadTimeoutError,
  SSLError: ours.TlsError,
  ProxyError: ours.ProxyError,
  ChunkedEncodingError: ours.IncompleteBodyError,
  ContentDecodingError: ours.DecodeError,
  RetryError,
};

/** Returns the error of holdfast for the named error of urllib3; undefined if holdfast has no such failure. */
export function errorFor(phase: string, name: string): Error | undefined {
  const [, inner] = /^MaxRetryError\((.*)\)$/.exec(name) ?? [];
  if (inner === undefined) return plainError(phase, name);
  const exhausted = new Retry({ total: 0 });
  const event = { method: "GET", url: "http://a.test/" };
  if (inner.startsWith("ResponseError"))
    return thrownBy(() => exhausted.increment({ ...event, response: { status: 503 } }));
  const error = plainError(phase, inner);
  const thrown = thrownBy(() => exhausted.increment({ ...event, error }));
  return thrown instanceof RetryError && thrown.cause === error ? error : thrown;
}

function plainError(phase: string, name: string): Error | undefined {
  switch (name) {
    case "ConnectTimeoutError":
      return new ours.ConnectTimeoutError("a.test", 1);
    case "ReadTimeoutError":
      return new ours.ReadTimeoutError("a.test", 1, phase === "body" ? "body" : "headers");
    case "SSLError":
      return new ours.TlsError("?", { certificate: true, errno: "CERT_HAS_EXPIRED" });
    case "ProxyError":
      return new ours.ProxyError("?");
    case "DecodeError":
      return new ours.DecodeError("gzip");
    case "IncompleteRead in ProtocolError":
      return new ours.IncompleteBodyError(1, 2);
    case "LocationParseError":
      return new ours.InvalidUrlError("?");
    case "UnrewindableBodyError":
      return new ours.BodyNotReplayableError();
    default:
      return translated(phase, errnos[name]);
  }
}

const errnos: Readonly<Record<string, string>> = {
  ProtocolError: "ECONNRESET",
  OSError: "EPIPE",
  ConnectionResetError: "ECONNRESET",
  "TimeoutError(builtin)": "ETIMEDOUT",
  NewConnectionError: "ECONNREFUSED",
  NameResolutionError: "ENOTFOUND",
};

function translated(phase: string, code: string | undefined): Error | undefined {
  if (code === undefined) return undefined;
  const progress = {
    target: "a.test:80",
    phase: phase === "body" ? "body" : "headers",
    mayHaveArrived: true,
    received: 1,
    expected: 2,
  } as const;
  return translateError(Object.assign(new Error(code), { code }), progress);
}

function thrownBy(act: () => unknown): Error | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof HoldfastError ? error : undefined;
  }
}
