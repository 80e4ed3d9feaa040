import { objectWithMethods, isObject, kind, options, type Check, type Problem } from "../support/validate.ts";
import { Retry } from "../retry/retry.ts";
import { transportChecks } from "../transport/validate-options.ts";
import type { HttpAdapterOptions } from "./options.ts";

/** Checks a `retry` option: an instance of `Retry`. */
export const retryInstanceCheck: Check = kind({
  wanted: "a Retry, such as new Retry({ total: 5 })",
  fits: (value) => value instanceof Retry,
});

/** Maps option names of other libraries, and earlier names, to the option that replaces them here. */
export const optionHints: Readonly<Record<string, string>> = {
  proxies: "proxy",
  connections: "maxConnections",
  maxSockets: "maxConnections",
  maxFreeSockets: "maxIdleConnections",
  verify: "tls: { rejectUnauthorized }",
  cert: "tls: { cert, key }",
  maxRetries: "retry: new Retry({ total })",
  max_retries: "retry: new Retry({ total })",
  followRedirect: "maxRedirects",
  allow_redirects: "maxRedirects",
};

/** Checks the options of an `HttpAdapter`. */
export const adapterOptionsCheck: Check = options<HttpAdapterOptions>(
  { ...transportChecks, retry: retryInstanceCheck },
  optionHints,
);

/** Checks the adapter that `Session.mount` receives, and its own `retry`. */
export const adapterCheck: Check = (value) =>
  objectWithMethods("an adapter, such as new HttpAdapter()", ["send", "close"])(value) ??
  adapterRetryCheck(value);

function adapterRetryCheck(adapter: unknown): Problem | undefined {
  const retry = isObject(adapter) ? adapter["retry"] : undefined;
  const problem = retry === undefined ? undefined : retryInstanceCheck(retry);
  return problem && { ...problem, at: ".retry" };
}
