import { optionHints } from "../adapter/validate-options.ts";
import { otherLibraries } from "./other-libraries.ts";
import {
  aFunction,
  duration,
  integer,
  flag,
  objectWithMethods,
  headerName,
  isFunction,
  isObject,
  kind,
  listOf,
  options,
  type Check,
  type Checks,
} from "../support/validate.ts";
import type { HooksInit } from "../telemetry/hooks.ts";
import type { IdempotencyHeader } from "../call/idempotency.ts";
import { requestProxy, sessionProxy } from "../proxy/route/validate-proxy.ts";
import type { EventsOptions } from "./events.ts";
import type { PaginateOptions } from "./paginate.ts";
import { formCheck } from "../model/form-fields.ts";
import { missingSchemeHint, paramsCheck } from "../model/request.ts";
import type { DownloadOptions, RequestOptions, SessionOptions } from "../call/options.ts";
import { retrySettingCheck } from "../retry/setting.ts";
import { timeoutCheck } from "../transport/timeouts.ts";
import { problemWithAddresses, transportChecks } from "../transport/validate-options.ts";

/** Accepts any value. Headers, bodies and keys are checked where they are used, because some can be read only once. */
const checkedLater: Check = () => undefined;

const hookList = listOf(aFunction, "a list of functions");

const wholeNumber = integer(0);
const cookieJarCheck = objectWithMethods("", ["getCookieStringSync", "setCookieSync"]);

/** The options that a session and a single request share. */
const sharedChecks = {
  headers: checkedLater,
  params: paramsCheck,
  auth: kind({
    wanted: "a function, such as basicAuth(user, password)",
    fits: isFunction,
    // Most likely a user and a password.
    secret: true,
  }),
  retry: retrySettingCheck,
  timeout: timeoutCheck,
  throwOnStatus: flag,
  waitForCircuit: flag,
  hooks: options<HooksInit>(
    {
      request: hookList,
      response: hookList,
      attempt: hookList,
      retry: hookList,
      giveUp: hookList,
      cookieRefused: hookList,
      error: hookList,
    },
    {
      init: "request",
      beforeRequest: "request",
      beforeRedirect: "request",
      beforeRetry: "retry",
      beforeError: "error",
      afterResponse: "response",
    },
  ),
  idempotencyHeader: options<IdempotencyHeader>({ name: headerName, quoted: flag }),
  maxRedirects: kind({
    wanted: "a whole number of redirects, 0 or more, or null to use the counters of retry",
    fits: (value) => value === null || wholeNumber(value) === undefined,
    type: "number",
  }),
  maxBytes: integer(0, "a whole number of bytes"),
  minSpeed: integer(0, "a whole number of bytes a second"),
  verifyDigest: flag,
};

function isHttpUrl(value: unknown): boolean {
  const text = value instanceof URL ? value.href : value;
  return typeof text === "string" && /^https?:/i.test(text.trim()) && URL.canParse(text);
}

function isOrigin({ username, password, pathname, search, hash }: URL): boolean {
  return pathname === "/" && [username, password, search, hash].every((part) => part === "");
}

const aBaseUrl = kind({
  wanted: "an http or https URL, the base of relative URLs",
  fits: isHttpUrl,
  type: "string",
});

const sessionChecks: Checks<SessionOptions> = {
  ...sharedChecks,
  baseUrl: (value) => {
    const problem = aBaseUrl(value);
    if (problem === undefined || typeof value !== "string") return problem;
    return { ...problem, says: problem.says + missingSchemeHint(value.trim()) };
  },
  sendCredentialsTo: listOf(
    kind({
      wanted: 'an origin such as "https://other.example", without a path',
      fits: (value) => isHttpUrl(value) && isOrigin(new URL(String(value))),
      type: "string",
    }),
    'a list of origins such as ["https://other.example"]',
  ),
  cookies: kind({
    wanted: "a CookieJar of tough-cookie, such as await parseCookiesTxt(text), or false to store no cookies",
    fits: (value) => value === false || cookieJarCheck(value) === undefined,
  }),
  budget: objectWithMethods("a budget, such as retryBudget()", ["deposit", "withdraw"]),
  netrc: kind({
    wanted: "true, false or the path of a netrc file",
    fits: (value) => typeof value === "boolean" || (typeof value === "string" && value !== ""),
    type: "string",
  }),
  policy: kind({ wanted: "a function that returns a policy, such as () => breaker()", fits: isFunction }),
  pacing: kind({
    wanted: 'true, false or "even"',
    fits: (value) => typeof value === "boolean" || value === "even",
  }),
  sensitiveHeaders: listOf(headerName, 'a list of headers such as ["X-Api-Key"]'),
  maxMemory: integer(1, "a whole number of bytes"),
  maxConnections: transportChecks.maxConnections,
  maxIdleConnections: transportChecks.maxIdleConnections,
  strictHeaders: transportChecks.strictHeaders,
  tls: transportChecks.tls,
  lookup: transportChecks.lookup,
  localAddress: transportChecks.localAddress,
  family: transportChecks.family,
  socketPath: transportChecks.socketPath,
  enableUnixSockets: flag,
  addresses: transportChecks.addresses,
  allowAddresses: transportChecks.allowAddresses,
  proxyResolves: transportChecks.proxyResolves,
  proxy: sessionProxy,
  trustEnvironment: flag,
  http2: flag,
  clock: transportChecks.clock,
  random: aFunction,
};

const ofRequest = ["json", "form", "body", "signal", "drain", "idempotencyKey", "stream"];
const sessionHints = {
  ...optionHints,
  ...otherLibraries,
  ...Object.fromEntries(ofRequest.map((name) => [name, `${name} of the request`])),
};

const sessionFields: Check = options<SessionOptions>(
  sessionChecks,
  sessionHints,
  ". The base of its URLs is the option baseUrl",
);

/** Checks the options of a `Session`. */
export const sessionOptionsCheck: Check = (value) => {
  const problem = sessionFields(value) ?? problemWithAddresses(value);
  if (problem !== undefined || !isObject(value)) return problem;
  if (value["socketPath"] !== undefined && value["proxy"] !== undefined)
    return {
      at: ".proxy",
      says: "cannot be used with socketPath: no proxy leads to a Unix socket",
      range: false,
    };
  return value["sendCredentialsTo"] === undefined || value["baseUrl"] !== undefined
    ? undefined
    : {
        at: ".sendCredentialsTo",
        says: "needs baseUrl: without it, requests to every origin get the credentials of the session",
        range: false,
      };
};

const signalCheck = kind({
  wanted: "an AbortSignal",
  fits: (value) =>
    value === null || (isObject(value) && "aborted" in value && isFunction(value["addEventListener"])),
});

const requestChecks = {
  ...sharedChecks,
  pacing: flag,
  proxy: requestProxy,
  body: checkedLater,
  json: checkedLater,
  form: formCheck,
  signal: signalCheck,
  drain: signalCheck,
  idempotencyKey: checkedLater,
};

const requestHints = {
  ...Object.fromEntries(Object.entries({ ...optionHints, ...otherLibraries }).map(ofSession)),
  ...Object.fromEntries(Object.keys(sessionChecks).map((name) => [name, `${name} of the session`])),
};

/** Adds to a hint that its option is one of the session. */
function ofSession([name, hint]: readonly [name: string, hint: string]): readonly [string, string] {
  const [option = ""] = /^\w+/.exec(hint) ?? [];
  const isOfSession = option in sessionChecks && !(option in requestChecks);
  return [name, isOfSession ? `${hint} of the session` : hint];
}

const requestFields: Check = options<RequestOptions>(
  {
    ...requestChecks,
    stream: flag,
    onWait: kind({
      wanted: '"sleep" or "suspend"',
      fits: (value) => value === "sleep" || value === "suspend",
    }),
    continuation: kind({ wanted: "the continuation of a suspended request", fits: isObject }),
  },
  requestHints,
  ". Data to send goes into json, form or body",
);

/** Checks the options of a single request. */
export const requestOptionsCheck: Check = (value) => {
  const problem = requestFields(value);
  if (problem !== undefined || !isObject(value)) return problem;
  if (value["onWait"] === "suspend" && value["stream"] === true)
    return {
      at: ".onWait",
      says: "cannot be used with stream: a streamed body cannot be continued",
      range: false,
    };
  return value["continuation"] === undefined || value["onWait"] === "suspend"
    ? undefined
    : { at: ".continuation", says: 'needs onWait: "suspend"', range: false };
};

/** Checks the options of a download. */
export const downloadOptionsCheck: Check = options<DownloadOptions>(
  {
    ...requestChecks,
    method: checkedLater,
    digest: kind({ wanted: 'a digest such as "sha-256=…"', fits: (value) => typeof value === "string" }),
    onProgress: aFunction,
  },
  {
    ...requestHints,
    resume: "the same call: it always continues a part",
    checksum: "digest",
    sha256: "digest: `sha-256=${…}`",
  },
);

/** Checks the options of a pagination. */
export const paginateOptionsCheck: Check = options<PaginateOptions<unknown>>(
  {
    ...requestChecks,
    method: checkedLater,
    next: kind({
      wanted: 'a path in the JSON such as "links.next", { cursor, param }, or a function of the page',
      fits: (value) =>
        isPath(value) ||
        isFunction(value) ||
        (isObject(value) && isPath(value["cursor"]) && isPath(value["param"])),
      type: "string",
    }),
    items: kind({
      wanted: 'a path in the JSON such as "data", or a function of the page',
      fits: (value) => isPath(value) || isFunction(value),
      type: "string",
    }),
    stopWhen: aFunction,
    maxPages: integer(1, "a whole number of pages"),
  },
  { ...requestHints, requestLimit: "maxPages", shouldContinue: "stopWhen", transform: "items" },
);

/** Checks the options of a stream of events. */
export const eventsOptionsCheck: Check = options<EventsOptions>(
  {
    ...requestChecks,
    method: checkedLater,
    reconnect: kind({
      wanted: '"always", "cut" or "never"',
      fits: (value) => value === "always" || value === "cut" || value === "never",
      type: "string",
    }),
    reconnectDelay: duration,
    lastEventId: kind({ wanted: "a string", fits: (value) => typeof value === "string" }),
    maxLength: integer(1, "a whole number of characters"),
  },
  { ...requestHints, retryDelay: "reconnectDelay", reconnectInterval: "reconnectDelay" },
);

function isPath(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}
