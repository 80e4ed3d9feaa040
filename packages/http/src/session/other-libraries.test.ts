import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestOptions, SessionOptions } from "../call/options.ts";
import { scripted } from "../testing/scripted/scripted-session.ts";
import { Session } from "./session.ts";

/** The options of each library that this one has under another name, or not at all. */
const names: Readonly<Record<string, string>> = {
  got: "prefixUrl searchParams username password cookieJar ignoreInvalidCookies followRedirect methodRewriting throwHttpErrors agent https dnsLookup dnsCache dnsLookupIpVersion responseType resolveBodyOnly decompress isStream encoding parseJson stringifyJson pagination",
  ky: "prefixUrl prefix searchParams throwHttpErrors parseJson stringifyJson fetch credentials redirect keepalive onDownloadProgress onUploadProgress",
  axios:
    "baseURL data paramsSerializer validateStatus responseType maxContentLength httpAgent httpsAgent cancelToken transformRequest transformResponse withCredentials xsrfCookieName xsrfHeaderName onDownloadProgress onUploadProgress decompress beforeRedirect timeoutErrorMessage adapter allowAbsoluteUrls axios-retry raxConfig",
  "p-retry": "retries factor minTimeout maxTimeout randomize maxRetryTime onFailedAttempt shouldRetry",
  requests:
    "data files allow_redirects proxies verify cert max_retries trust_env pool_connections pool_maxsize raise_for_status",
  undici: "query dispatcher headersTimeout bodyTimeout connectTimeout",
  general:
    "logger debug verbose userAgent circuitBreaker breaker rateLimit concurrency insecure apiKey cookiesFile dns allowH2 unixSocket follow url schema maxRetries retryDelay retryCondition totalTimeout deadline token bearer qs jar strictSSL",
};

for (const [library, list] of Object.entries(names)) {
  for (const name of list.split(" ")) {
    test(`the option ${name} of ${library} gets an error that names ours`, async () => {
      const { session, adapter } = scripted([{}]);
      const named = (error: unknown): boolean =>
        error instanceof TypeError && error.message.includes(`has no option "${name}": did you mean `);

      assert.throws(() => new Session({ [name]: 1 }), named);
      await assert.rejects(session.get("https://a.test/", { [name]: 1 }), named);
      assert.equal(adapter.requests.length, 0);
    });
  }
}

const nested: readonly (readonly [options: SessionOptions | Record<string, unknown>, hint: string])[] = [
  ...Object.entries({
    limit: "total",
    retries: "total",
    methods: "allowedMethods",
    statusCodes: "statusForcelist",
    afterStatusCodes: "statusForcelist",
    maxRetryAfter: "retryAfterMax",
    backoffLimit: "backoffMax",
    jitter: "backoffJitter",
    delay: "wait",
    calculateDelay: "wait",
    retryDelay: "wait",
    shouldRetry: "when",
    retryCondition: "when",
    errorCodes: "when",
    retryOnTimeout: "read",
    backoff_factor: "backoffFactor",
    status_forcelist: "statusForcelist",
    allowed_methods: "allowedMethods",
    raise_on_status: "raiseOnStatus",
    respect_retry_after_header: "respectRetryAfterHeader",
    minTimeout: "backoffFactor",
    maxTimeout: "backoffMax",
    maxAttempts: "total, the retries after the first attempt",
    statuses: "statusForcelist",
    retryOn: "statusForcelist",
    retryIf: "when",
    stop: 'total, or timeout: "1m", next to retry',
  }).map(([name, hint]) => [{ retry: { [name]: 1 } }, hint] as const),
  ...Object.entries({
    request: "total",
    response: "read",
    secureConnect: "connect",
    lookup: "connect",
    socket: "read",
    send: "read",
  }).map(([name, hint]) => [{ timeout: { [name]: 1 } }, hint] as const),
  ...Object.entries({
    beforeRequest: "request",
    beforeRetry: "retry",
    afterResponse: "response",
    beforeError: "error",
  }).map(([name, hint]) => [{ hooks: { [name]: [] } }, hint] as const),
  [{ json: {} }, "json of the request"],
  [{ form: {} }, "form of the request"],
  [{ signal: null }, "signal of the request"],
];

for (const [options, hint] of nested) {
  test(`${JSON.stringify(options)} gets an error that names ${hint}`, () => {
    assert.throws(
      () => new Session(options),
      (error) => error instanceof TypeError && error.message.endsWith(`: did you mean ${hint}?`),
    );
  });
}

test("body: null, signal: null and numbers in headers are accepted", async () => {
  const { session, adapter } = scripted([{}]);
  const options: RequestOptions = {
    body: null,
    signal: null,
    drain: null,
    headers: { "x-count": 5, "x-part": 0.5 },
  };

  await session.post("https://a.test/", options);
  await session.get("https://a.test/", { json: 1, body: null, headers: [["x-count", 7]] });

  const [first, second] = adapter.requests;
  assert.deepEqual(
    [first?.body, first?.headers["x-count"], first?.headers["x-part"]],
    [undefined, "5", "0.5"],
  );
  assert.deepEqual([second?.body, second?.headers["x-count"]], ["1", "7"]);
  await assert.rejects(session.get("https://a.test/", { headers: { "x-count": NaN } }), RangeError);
});
