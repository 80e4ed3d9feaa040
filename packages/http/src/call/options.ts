import type { Clock, Policy, Random, RetryBudget } from "@holdfast/policy";
import type { CookieJar } from "tough-cookie";
import type { Auth } from "../auth/auth.ts";
import type { BodyInit } from "../model/body.ts";
import type { SaveOptions } from "../download/download.ts";
import type { FormFields } from "../model/form-fields.ts";
import type { HeadersInit } from "../model/headers.ts";
import type { HooksInit } from "../telemetry/hooks.ts";
import type { IdempotencyHeader, IdempotencyKey } from "./idempotency.ts";
import type { ProxyMap } from "../proxy/route/environment.ts";
import type { ProxyProvider, ProxySelection } from "../model/proxy-provider.ts";
import type { Params } from "../model/request.ts";
import type { RetrySetting } from "../retry/setting.ts";
import type { TimeoutSetting } from "../transport/timeouts.ts";
import type { Lookup } from "../transport/connect/shared-lookup.ts";
import type { TlsOptions } from "../transport/connect/tls.ts";

/** The options of a session. Most of them can be overridden by the options of a request. */
export interface SessionOptions {
  /**
   * Base of relative URLs, such as `"https://api.example.com/v1"`: `users` and `/users` are both below it. Requests to other
   * origins get no credentials of the session: no `auth`, and no headers and parameters with names of credentials.
   */
  readonly baseUrl?: string | URL;
  /** Further origins that get the credentials of a session with `baseUrl`. @default [] */
  readonly sendCredentialsTo?: readonly string[];
  /** Headers of every request. */
  readonly headers?: HeadersInit;
  /** Query parameters of every URL. */
  readonly params?: Params;
  /** Authenticates each request. Called again after a 401. Not applied after a redirect to another origin. */
  readonly auth?: Auth;
  /**
   * Whether to send the user and password that a netrc file has for the host, as basic authentication: `true` for the file that
   * NETRC names or `.netrc` in the home folder, or the path of a file. `auth`, a user in the URL and an Authorization header win.
   * @default false
   */
  readonly netrc?: boolean | string;
  /** Cookie jar of the session; `false` stores no cookies. @default a new jar */
  readonly cookies?: CookieJar | false;
  /**
   * Rule for retries: a number of them, `false` for none, or options. They are merged over the rule in force, which a `Retry`
   * replaces. @default `sessionDefaults.retry`: at most 3 retries of requests that are safe to repeat
   */
  readonly retry?: RetrySetting;
  /** Limit of the whole call, such as `"30s"`, or limits of each phase, each attempt and the whole call. @default connect 5 s, read 30 s */
  readonly timeout?: TimeoutSetting;
  /** Limits the retries of all calls together. @default a budget of this session, with `sessionDefaults.budget` */
  readonly budget?: RetryBudget;
  /**
   * Returns a policy for an origin, such as a breaker, bulkhead, rate limit or hedge. Called at the first request to the
   * origin; the policy wraps every attempt there. An open circuit ends the call, unless `waitForCircuit` is
   * set. Another attempt that it rejects is retried no earlier than the policy allows.
   * A hedge sends a request twice only if it is idempotent or carries a key.
   */
  readonly policy?: (origin: string) => Policy;
  /**
   * What an open circuit of `policy` does. `false` ends the call immediately, with the CircuitOpenError and its `retryAt`. `true`
   * waits until the circuit runs calls again, within the deadline. @default false
   */
  readonly waitForCircuit?: boolean;
  /**
   * Whether a rate limit that one response announces applies to all requests to the same bucket, route or host. They wait until
   * the limit allows them. If the server announces limit, remainder and reset, the remaining requests leave immediately, and all
   * others after the reset. Otherwise, and always with `"even"`, they leave one after another at the rate of the limit.
   * @default true
   */
  readonly pacing?: boolean | "even";
  /**
   * Whether a status of 400 or more that outlived its retries throws a `StatusError` with the server's explanation. Otherwise the
   * call returns the response. @default false
   */
  readonly throwOnStatus?: boolean;
  /** Functions that are called during each request. */
  readonly hooks?: HooksInit;
  /** Header for idempotency keys. @default Idempotency-Key, without quotes */
  readonly idempotencyHeader?: IdempotencyHeader;
  /**
   * Most redirects that one call follows, unless `redirect` of `retry` allows fewer. 0 returns the redirect response, `null`
   * leaves the limit to the counters of `retry`. @default 30
   */
  readonly maxRedirects?: number | null;
  /** Headers to remove on a redirect to another origin, in addition to those with the name of a credential, such as Authorization and X-Api-Key. */
  readonly sensitiveHeaders?: readonly string[];
  /** Largest body in bytes, decoded. @default 2 GiB; a streamed body has no limit */
  readonly maxBytes?: number;
  /**
   * Memory for the bodies that the session receives at a time, in bytes, as sent and decoded. When it is used up, one body at a time
   * is read to its end, and the others wait; one that keeps others waiting for a minute fails its attempt. Bodies that the session
   * has returned, and streamed bodies, do not count. @default no limit
   */
  readonly maxMemory?: number;
  /**
   * Slowest body, in bytes a second, averaged over 60 seconds in which the call waits for it. A slower body fails its attempt with
   * a ReadTimeoutError; 0 allows any speed. @default 100; a streamed body has no limit
   */
  readonly minSpeed?: number;
  /**
   * Whether to verify the bytes of each body against `Content-Digest` and `Repr-Digest` (RFC 9530), if the server sends them.
   * A body that does not match throws a DigestError. Downloads are always verified. @default false
   */
  readonly verifyDigest?: boolean;
  /** Most open connections to one origin. Further requests wait within `timeout.attempt` and `timeout.total`. @default 256 */
  readonly maxConnections?: number;
  /** Most idle connections to all origins together. Beyond it, the longest idle one is closed. @default 256 */
  readonly maxIdleConnections?: number;
  /**
   * Rejects a response over HTTP/1.1 that has a malformed header field, with `ProtocolError`. Otherwise the field is left out,
   * unless the body cannot be read without it. @default false
   */
  readonly strictHeaders?: boolean;
  /** Certificates and checks of TLS. */
  readonly tls?: TlsOptions;
  /**
   * Returns the IP addresses of a host or a proxy, in the order in which to try them.
   * @default the resolver of the system
   */
  readonly lookup?: Lookup;
  /** IP address of this machine to connect from. Only addresses of its family are connected to. @default chosen by the system */
  readonly localAddress?: string;
  /** The only family of addresses to connect to: 4 or 6. An IP address in a URL is always used. @default both */
  readonly family?: 4 | 6;
  /**
   * Path of a Unix socket, or name of a pipe on Windows, to send every request to, without a proxy. The Host header is
   * `localhost` unless given, and the base of relative URLs `http://localhost/`. @default none
   */
  readonly socketPath?: string;
  /**
   * Whether requests may have URLs such as `unix:/var/run/docker.sock:/containers/json`. Only your code may write these: no
   * redirect, proxy or list of URLs leads to a socket. @default false
   */
  readonly enableUnixSockets?: boolean;
  /**
   * "public" connects only to addresses of the internet: not to private, loopback, link-local, multicast or reserved ones, not
   * to IPv6 addresses that contain an IPv4 address, and not to Unix sockets. Each connection, also after a redirect, checks the
   * address that it uses. Other addresses throw an AddressNotAllowedError, which is not retried. Mounted adapters have their own
   * option. @default "any"
   */
  readonly addresses?: "any" | "public";
  /** Addresses and ranges that `addresses: "public"` also allows, such as `["10.1.0.0/16", "fd00::5"]`. @default none */
  readonly allowAddresses?: readonly string[];
  /**
   * Whether, with `addresses: "public"`, a proxy may look up the names of `http:` URLs, unchecked. Otherwise such a request
   * throws an AddressNotAllowedError. For `https:` URLs, proxies receive the checked address. @default false
   */
  readonly proxyResolves?: boolean;
  /** One proxy, proxies by scheme and host, or a pool. @default the proxies of the environment */
  readonly proxy?: string | ProxyMap | ProxyProvider;
  /** Whether to use `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` of the environment. @default true */
  readonly trustEnvironment?: boolean;
  /** Whether to use HTTP/2 with servers that offer it. @default false */
  readonly http2?: boolean;
  /** Source of time, for tests. @default the clock of the platform */
  readonly clock?: Clock;
  /** Source of random numbers from 0 to 1, for tests. @default `Math.random` */
  readonly random?: Random;
}

/** The options of one request. They override those of the session. */
export interface RequestOptions extends Pick<
  SessionOptions,
  | "params"
  | "auth"
  | "retry"
  | "timeout"
  | "throwOnStatus"
  | "waitForCircuit"
  | "hooks"
  | "idempotencyHeader"
  | "maxRedirects"
  | "maxBytes"
  | "minSpeed"
  | "verifyDigest"
> {
  /** `false` sends the request without waiting for learned rate limits. @default true: as the session does */
  readonly pacing?: boolean;
  /** Replaces the proxy of the session. `{ country, identity }` selects a proxy of the session's pool. */
  readonly proxy?: string | ProxyMap | ProxyProvider | ProxySelection;
  /** Headers to add to those of the session; `undefined` removes a header. */
  readonly headers?: HeadersInit;
  /** Body of the request. @default none */
  readonly body?: BodyInit | null;
  /** Value to send as `application/json`. */
  readonly json?: unknown;
  /** Fields to send as a form: as `multipart/form-data` with a `File` or `Blob` among them, otherwise URL-encoded. */
  readonly form?: FormFields;
  /** Aborts the call, which rejects with the reason of the signal. */
  readonly signal?: AbortSignal | null | undefined;
  /** Once aborted, the running attempt is the last: the call returns or throws its result. */
  readonly drain?: AbortSignal | null | undefined;
  /**
   * What the request does before a wait for a retry, a rate limit, a proxy or a policy: it sleeps, or it rejects with a
   * `SuspendedError`, whose `continuation` continues it later. @default "sleep"
   */
  readonly onWait?: "sleep" | "suspend";
  /** Continues the same request after a `SuspendedError`, also in another process. Needs `onWait: "suspend"`. @default none */
  readonly continuation?: object;
  /** Lets the server recognise a repeated request, so that any method may be retried. Sent in `idempotencyHeader`. */
  readonly idempotencyKey?: IdempotencyKey;
  /**
   * Whether to return a `StreamedResponse` as soon as the head has arrived, and to read the body on demand. Only the
   * caller's own `maxBytes` limits its size. @default false
   */
  readonly stream?: boolean;
}

/** The options of a request with a streamed response. */
export type StreamRequestOptions = Omit<RequestOptions, "onWait" | "continuation"> & {
  readonly stream: true;
};

/** The options of a download. */
export interface DownloadOptions extends Omit<StreamRequestOptions, "stream">, SaveOptions {
  /** Method of the request. @default "GET", or "POST" with `json`, `form` or `body` */
  readonly method?: string;
}
