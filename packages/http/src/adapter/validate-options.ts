import { flag, objectWithMethods, isObject, options, type Check, type Problem } from "../support/validate.ts";
import { retrySettingCheck } from "../retry/setting.ts";
import { timeoutCheck } from "../transport/timeouts.ts";
import { problemWithAddresses, transportChecks } from "../transport/validate-options.ts";
import type { HttpAdapterOptions } from "./options.ts";

/** Maps option names of other libraries, and earlier names, to the option that replaces them here. */
export const optionHints: Readonly<Record<string, string>> = {
  proxies: "proxy",
  connections: "maxConnections",
  maxSockets: "maxConnections",
  maxFreeSockets: "maxIdleConnections",
  verify: "tls: { rejectUnauthorized }",
  cert: "tls: { cert, key }",
  maxRetries: "retry: 5",
  max_retries: "retry: 5",
  followRedirect: "maxRedirects",
  allow_redirects: "maxRedirects",
};

/** Checks the options of an `HttpAdapter`. */
export const adapterOptionsCheck: Check = (value) => adapterFields(value) ?? problemWithAddresses(value);

const adapterFields: Check = options<HttpAdapterOptions>(
  { ...transportChecks, retry: retrySettingCheck, timeout: timeoutCheck, pacing: flag },
  optionHints,
);

/** Checks the adapter that `Session.mount` receives, and its settings. */
export const adapterCheck: Check = (value) =>
  objectWithMethods("an adapter, such as new HttpAdapter()", ["send", "close"])(value) ??
  adapterSettingsCheck(value);

const settingChecks = { retry: retrySettingCheck, timeout: timeoutCheck, pacing: flag };

function adapterSettingsCheck(adapter: unknown): Problem | undefined {
  if (!isObject(adapter)) return undefined;
  for (const [name, check] of Object.entries(settingChecks)) {
    const problem = adapter[name] === undefined ? undefined : check(adapter[name]);
    if (problem !== undefined) return { ...problem, at: `.${name}${problem.at}` };
  }
  return undefined;
}
