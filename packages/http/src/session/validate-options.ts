import type { HttpAdapterOptions } from "../adapter/adapter.ts";
import {
  aFunction,
  count,
  flag,
  having,
  headerName,
  isFunction,
  isObject,
  kind,
  listOf,
  options,
  type Check,
  type Checks,
  type Problem,
} from "../support/validate.ts";
import type { HooksInit } from "../telemetry/hooks.ts";
import type { IdempotencyHeader } from "../call/idempotency.ts";
import { requestProxy, sessionProxy } from "../proxy/route/validate-proxy.ts";
import { paramsCheck } from "../model/request.ts";
import { Retry } from "../retry/retry.ts";
import type { RequestOptions, SessionOptions } from "../call/options.ts";
import { timeoutCheck } from "../transport/timeouts.ts";
import { transportChecks } from "../transport/validate-options.ts";

/** What is looked at where it is used: headers and bodies may be such as can be read only once. */
const anything: Check = () => undefined;

const hookList = listOf(aFunction, "a list of functions");

/** A rule for retries. */
const aRetry = kind({
  wanted: "a Retry, such as new Retry({ total: 5 })",
  fits: (value) => value instanceof Retry,
});

const aCount = count(0);
const isJar = having("", ["getCookieStringSync", "setCookieSync"]);

/** What a session and a single request may both be told. */
const shared = {
  headers: anything,
  params: paramsCheck,
  auth: kind({
    wanted: "a function, such as basicAuth(user, password)",
    fits: isFunction,
    // A user and a password, most likely.
    secret: true,
  }),
  retry: aRetry,
  timeout: timeoutCheck,
  hooks: options<HooksInit>({
    request: hookList,
    response: hookList,
    attempt: hookList,
    retry: hookList,
    giveUp: hookList,
    error: hookList,
  }),
  idempotencyHeader: options<IdempotencyHeader>({ name: headerName, quoted: flag }),
  maxRedirects: kind({
    wanted: "a whole number of redirects, 0 or more, or null to leave it to the counters of retry",
    fits: (value) => value === null || aCount(value) === undefined,
    type: "number",
  }),
  maxBytes: count(0, "a whole number of bytes"),
};

const sessionChecks: Checks<SessionOptions> = {
  ...shared,
  baseUrl: kind({
    wanted: "the URL of http or https that others are relative to",
    fits: (value) => typeof value === "string" && /^https?:/i.test(value.trim()) && URL.canParse(value),
    type: "string",
  }),
  cookies: kind({
    wanted: "a CookieJar of tough-cookie, or false for none",
    fits: (value) => value === false || isJar(value) === undefined,
  }),
  budget: having("a budget, such as retryBudget()", ["deposit", "withdraw"]),
  guard: aFunction,
  pacing: flag,
  sensitiveHeaders: listOf(headerName, 'a list of headers such as ["X-Api-Key"]'),
  maxConnections: transportChecks.maxConnections,
  tls: transportChecks.tls,
  proxy: sessionProxy,
  trustEnvironment: flag,
  http2: flag,
  clock: transportChecks.clock,
  random: aFunction,
};

/** What other libraries call what is called something else here. */
const hints: Readonly<Record<string, string>> = {
  proxies: "proxy",
  connections: "maxConnections",
  maxSockets: "maxConnections",
  verify: "tls: { rejectUnauthorized }",
  cert: "tls: { cert, key }",
  maxRetries: "retry: new Retry({ total })",
  max_retries: "retry: new Retry({ total })",
  followRedirect: "maxRedirects",
  allow_redirects: "maxRedirects",
};

/** What a session may be told. */
export const sessionCheck: Check = options<SessionOptions>(sessionChecks, hints);

/** What an `HttpAdapter` may be told. */
export const adapterCheck: Check = options<HttpAdapterOptions>({ ...transportChecks, retry: aRetry }, hints);

/** What can be mounted. */
export const adapterToMount: Check = (value) =>
  having("an adapter, such as new HttpAdapter()", ["send", "close"])(value) ?? ownRule(value);

function ownRule(adapter: unknown): Problem | undefined {
  const rule = isObject(adapter) ? adapter["retry"] : undefined;
  const problem = rule === undefined ? undefined : aRetry(rule);
  return problem && { ...problem, at: ".retry" };
}

/** What the function behind `guard` may give. */
export const policyMade: Check = having("a policy, such as breaker()", ["execute"]);

const signal = kind({
  wanted: "an AbortSignal",
  fits: (value) => isObject(value) && "aborted" in value && isFunction(value["addEventListener"]),
});

/** What a single request may be told. */
export const requestCheck: Check = options<RequestOptions>(
  {
    ...shared,
    proxy: requestProxy,
    body: anything,
    json: anything,
    signal,
    patience: signal,
    idempotencyKey: anything,
    stream: flag,
  },
  {
    ...Object.fromEntries(Object.keys(sessionChecks).map((name) => [name, `${name} of the session`])),
    ...hints,
    data: "json, or body",
    form: "body: new URLSearchParams({ … })",
    query: "params",
    searchParams: "params",
  },
);
