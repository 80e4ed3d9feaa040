import type { Clock, Policy, Random, RetryBudget } from "@holdfast/policy";
import type { CookieJar } from "tough-cookie";
import type { Auth } from "../auth/auth.ts";
import type { BodyInit } from "../model/body.ts";
import type { SaveOptions } from "../download/download.ts";
import type { HeadersInit } from "../model/headers.ts";
import type { HooksInit } from "../telemetry/hooks.ts";
import type { IdempotencyHeader, IdempotencyKey } from "./idempotency.ts";
import type { ProxyMap } from "../proxy/route/environment.ts";
import type { ProxyProvider, ProxySelection } from "../model/proxy-provider.ts";
import type { Params } from "../model/request.ts";
import type { Retry } from "../retry/retry.ts";
import type { TimeoutOptions } from "../transport/timeouts.ts";
import type { TlsOptions } from "../transport/connect/tls.ts";

export interface SessionOptions {
  /** What relative URLs are relative to. */
  readonly baseUrl?: string;
  /** Sent with every request. */
  readonly headers?: HeadersInit;
  /** Added to every URL. */
  readonly params?: Params;
  /** Says who asks, and is asked again after one 401; not sent on to another origin. */
  readonly auth?: Auth;
  /** The jar to keep cookies in; false keeps none. @default a new jar */
  readonly cookies?: CookieJar | false;
  /** @default sessionDefaults.retry: at most 3 retries of what is safe to send again */
  readonly retry?: Retry;
  /** @default connect 5 s, read 30 s */
  readonly timeout?: TimeoutOptions;
  /** What retries may cost, over all calls. @default sessionDefaults.budget, of the session alone */
  readonly budget?: RetryBudget;
  /**
   * A policy for each origin, made when it is first asked: a breaker, bulkhead, rate or hedge around every attempt. What it
   * refuses is tried again no earlier than it says. A hedge sends nothing twice that is neither idempotent nor bears a key.
   */
  readonly policy?: (origin: string) => Policy;
  /**
   * Whether a limit that one answer tells of holds for all requests to its bucket, or host: they wait until it opens, and
   * leave one after another, no faster than it allows. @default true
   */
  readonly pacing?: boolean;
  readonly hooks?: HooksInit;
  /** How idempotency keys are written. @default bare, as Idempotency-Key */
  readonly idempotencyHeader?: IdempotencyHeader;
  /**
   * The most redirects that one call follows, where `redirect` of `retry` does not allow fewer; 0 hands them out, null leaves
   * it to the counters of `retry` alone. @default 30
   */
  readonly maxRedirects?: number | null;
  /** Headers beyond Authorization, Cookie and Proxy-Authorization that do not follow a redirect to another origin, in any case. */
  readonly sensitiveHeaders?: readonly string[];
  /** The most that a body may grow to, decoded. @default 2 GiB */
  readonly maxBytes?: number;
  /** Connections to one origin at the same time; who comes later waits within `timeout.attempt` and `total`. @default 256 */
  readonly maxConnections?: number;
  readonly tls?: TlsOptions;
  /** The proxy to go through: one for all, by scheme and host, or a pool of them. @default what the environment says */
  readonly proxy?: string | ProxyMap | ProxyProvider;
  /** Whether `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` of the environment count. @default true */
  readonly trustEnvironment?: boolean;
  /** Speaks HTTP/2 to servers that offer it. @default false */
  readonly http2?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What one request changes of its session. */
export interface RequestOptions extends Pick<
  SessionOptions,
  "params" | "auth" | "retry" | "timeout" | "hooks" | "idempotencyHeader" | "maxRedirects" | "maxBytes"
> {
  /** In place of the session's; `{ country, session }` says which proxy of the session's pool. */
  readonly proxy?: string | ProxyMap | ProxyProvider | ProxySelection;
  /** Over the session's; undefined removes one. */
  readonly headers?: HeadersInit;
  readonly body?: BodyInit;
  /** Sent as application/json. */
  readonly json?: unknown;
  /** Ends the call: its reason is thrown as it is. */
  readonly signal?: AbortSignal | undefined;
  /** Once aborted, the call waits for nothing more: the attempt under way is the last, and what there is comes back. */
  readonly drain?: AbortSignal | undefined;
  /** Lets the server recognise a second try, so that any method may be sent again; sent as `idempotencyHeader` says. */
  readonly idempotencyKey?: IdempotencyKey;
  /**
   * Gives the answer as soon as its head is there, as a `StreamedResponse` whose body is read as it comes. Its size is
   * then bounded by the caller's `maxBytes` alone. @default false
   */
  readonly stream?: boolean;
}

/** What one request changes of its session, and that its answer is streamed. */
export type StreamRequestOptions = RequestOptions & { readonly stream: true };

/** The options of one download. A body is saved as the server has it, so nothing here buffers it. */
export interface DownloadOptions extends Omit<RequestOptions, "stream">, SaveOptions {
  /** @default "GET" */
  readonly method?: string;
}
