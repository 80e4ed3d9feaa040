import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { BulkheadFullError, CircuitOpenError, RateLimitedError, RetryError } from "@holdfast/policy";
import { DigestError } from "../errors/file-errors.ts";
import { noBody, type Body } from "../model/body.ts";
import {
  BodyTooLargeError,
  ConnectionError,
  ConnectTimeoutError,
  DecodeError,
  IncompleteBodyError,
  NoProxyError,
  ProtocolError,
  ProxyError,
  ReadTimeoutError,
  TlsError,
} from "../errors/transport-errors.ts";
import { HttpResponse } from "../model/response.ts";
import { sessionDefaults } from "../session/defaults.ts";
import { decideRetry, type AttemptFacts } from "./retry-decision.ts";
import type { RetryDecision } from "./rules.ts";
import type { RetryInit } from "./options.ts";
import { Retry } from "./retry.ts";
import { errorVerdict, statusVerdict } from "../model/verdict.ts";

const now = Date.UTC(2026, 0, 1);
const oneShot: Body = { kind: "one-shot", stream: Readable.from(["x"]) };

interface Case {
  readonly method?: string;
  readonly body?: Body;
  readonly key?: string;
  readonly status?: number;
  readonly retryAfter?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The headers of the response. */
  readonly json?: unknown;
  readonly error?: unknown;
  readonly rule?: RetryInit;
  readonly waitForCircuit?: boolean;
  readonly before?: AttemptFacts["previousVerdicts"];
  readonly proxy?: AttemptFacts["proxy"];
}

function factsOf({
  method = "GET",
  body = noBody,
  key,
  status,
  retryAfter,
  headers: further = {},
  json,
  error,
  rule,
  waitForCircuit = false,
  before = [],
  proxy,
}: Case): AttemptFacts {
  const headers = {
    ...further,
    ...(retryAfter !== undefined && { "retry-after": retryAfter }),
    ...(json !== undefined && { "content-type": "application/json" }),
  };
  const content = new TextEncoder().encode(json === undefined ? "" : JSON.stringify(json));
  const url = "https://a.test/";
  return {
    request: { method, url: new URL(url), body, idempotencyKey: key },
    retry: rule === undefined ? sessionDefaults.retry : new Retry(rule),
    response:
      status === undefined ? undefined : new HttpResponse({ status, statusText: "", url, headers, content }),
    error,
    waitForCircuit,
    previousVerdicts: before,
    now,
    proxy,
  };
}

/** A decision as it reads in the tables: `yes <source> <minimum>`, `no <reason>` or `exhausted <reason>`. */
function read(decision: RetryDecision): string {
  if (decision.again === "yes") return `yes ${decision.source} ${decision.minimum}`;
  return `${decision.again} ${decision.reason}`;
}

const connection = (
  errno: string,
  phase: "connect" | "send" | "headers",
  mayHaveArrived: boolean,
): ConnectionError => new ConnectionError(errno, { errno, phase, mayHaveArrived });
const refused = connection("ECONNREFUSED", "connect", false);
const stale = connection("ECONNRESET", "send", false);
const reset = connection("ECONNRESET", "headers", true);
const silence = new ReadTimeoutError("a.test", 1, "headers");
const sha = { algorithm: "sha-256", expected: "00", actual: "01" };
const mismatch = new DigestError("https://a.test/", { ...sha, phase: "body" });
const notFound = new ConnectionError("?", { errno: "ENOTFOUND", phase: "dns", mayHaveArrived: false });
const badCertificate = new TlsError("?", { certificate: true, errno: "CERT_HAS_EXPIRED" });
const cutHandshake = new TlsError("?", { certificate: false, errno: "ECONNRESET" });

const rateLimit = { ratelimit: '"default";r=0;t=5' };
const wanted = { "x-should-retry": "true" };
const github = { "x-github-request-id": "C0DE:1" };
const primary = {
  ...github,
  "x-ratelimit-remaining": "0",
  "x-ratelimit-reset": String(now / 1_000 + 9),
};

const table: readonly (readonly [what: string, facts: Case, decision: string])[] = [
  ["a 200", { status: 200 }, "no success"],
  ["a 301", { status: 301 }, "no not-retried: http-301"],
  ...[400, 401, 403, 404, 405, 410, 422, 501, 505, 511, 525, 526].map((status): [string, Case, string] => [
    `a ${status}`,
    { status },
    `no not-retried: http-${status}`,
  ]),
  ...[408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529].map(
    (status): [string, Case, string] => [`a ${status}`, { status }, "yes back-off 0"],
  ),
  ...["POST", "PATCH", "LOCK"].flatMap((method) =>
    [408, 429, 500, 502, 503, 504].map((status): [string, Case, string] => [
      `a ${status} to a ${method}`,
      { method, status },
      "no not-retried: may-have-arrived",
    ]),
  ),
  [
    "a 503 with a Retry-After to a POST",
    { method: "POST", status: 503, retryAfter: "1" },
    "no not-retried: may-have-arrived",
  ],
  [
    "an unlisted 413 with a Retry-After to a POST",
    { method: "POST", status: 413, retryAfter: "7" },
    "no not-retried: may-have-arrived",
  ],
  ["a 404 to a POST", { method: "POST", status: 404 }, "no not-retried: http-404"],
  ["a listed 202 to a POST", { method: "POST", status: 202, rule: { statusForcelist: [202] } }, "no success"],
  [
    "a 503 to a POST with a key",
    { method: "POST", key: "k", status: 503, rule: { statusForcelist: [503], allowedMethods: null } },
    "yes back-off 0",
  ],
  ["a 503 to a PUT", { method: "PUT", status: 503 }, "yes back-off 0"],
  [
    "a 503 to a PUT when allowedMethods excludes PUT",
    { method: "PUT", status: 503, rule: { statusForcelist: [503], allowedMethods: ["GET"] } },
    "no not-retried: method-not-allowed",
  ],
  [
    "a 503 to a POST when allowedMethods includes POST",
    { method: "POST", status: 503, rule: { statusForcelist: [503], allowedMethods: ["POST"] } },
    "yes back-off 0",
  ],
  [
    "a 503 to a sent stream",
    { method: "PUT", body: oneShot, status: 503 },
    "no not-retried: body-not-replayable",
  ],
  ["a listed 404", { status: 404, rule: { statusForcelist: [404] } }, "yes back-off 0"],

  ["a Retry-After of seconds", { status: 503, retryAfter: "7" }, "yes retry-after 7000"],
  ["a Retry-After of 0", { status: 503, retryAfter: "0" }, "yes back-off 0"],
  [
    "a Retry-After that is a date",
    { status: 503, retryAfter: "Thu, 01 Jan 2026 00:00:09 GMT" },
    "yes retry-after 9000",
  ],
  [
    "a Retry-After that has passed",
    { status: 503, retryAfter: "Wed, 31 Dec 2025 00:00:00 GMT" },
    "yes back-off 0",
  ],
  ["an invalid Retry-After", { status: 503, retryAfter: "soon" }, "yes back-off 0"],
  ["a Retry-After equal to retryAfterMax", { status: 503, retryAfter: "120" }, "yes retry-after 120000"],
  ["a Retry-After above retryAfterMax", { status: 503, retryAfter: "121" }, "exhausted retry-after-too-long"],
  [
    "a Retry-After when the retry ignores it",
    { status: 503, retryAfter: "7", rule: { statusForcelist: [503], respectRetryAfterHeader: false } },
    "yes back-off 0",
  ],
  ["an unlisted 413 with a Retry-After", { status: 413, retryAfter: "7" }, "yes retry-after 7000"],
  ["an unlisted 413 without a Retry-After", { status: 413 }, "no not-retried: http-413"],
  ["a 403 with a Retry-After", { status: 403, retryAfter: "7" }, "no not-retried: http-403"],
  ["a 200 with a Retry-After", { status: 200, retryAfter: "7" }, "no success"],

  ["a RateLimit", { status: 429, headers: rateLimit }, "yes ratelimit 5000"],
  [
    "a RateLimit reset above retryAfterMax",
    { status: 429, headers: { ratelimit: '"a";r=0;t=121' } },
    "exhausted ratelimit-too-long",
  ],
  [
    "a RateLimit when the retry ignores delays of the server",
    { status: 429, headers: rateLimit, rule: { statusForcelist: [429], respectRetryAfterHeader: false } },
    "yes back-off 0",
  ],
  [
    "a RateLimit without dialects",
    { status: 429, headers: rateLimit, rule: { statusForcelist: [429], dialects: [] } },
    "yes back-off 0",
  ],
  ["a RateLimit with an unlisted 404", { status: 404, headers: rateLimit }, "no not-retried: http-404"],
  ["a 403 of GitHub's limit", { status: 403, headers: primary }, "yes github:x-ratelimit-reset 10000"],
  [
    "a 403 of GitHub's limit to a POST",
    { method: "POST", status: 403, headers: primary },
    "no not-retried: may-have-arrived",
  ],
  [
    "a 403 of GitHub's limit with retries switched off",
    { status: 403, headers: primary, rule: { total: false } },
    "no not-retried: http-403",
  ],
  [
    "a 403 of GitHub's limit when the retry ignores delays of the server",
    { status: 403, headers: primary, rule: { respectRetryAfterHeader: false } },
    "no not-retried: http-403",
  ],
  [
    "a 403 of GitHub's secondary limit",
    { status: 403, headers: github, json: { message: "You have exceeded a secondary rate limit" } },
    "yes github:secondary-rate-limit 60000",
  ],
  [
    "GitHub's secondary limit with a Retry-After",
    { status: 403, headers: github, retryAfter: "7" },
    "yes retry-after 7000",
  ],
  [
    "a 503 with a veto",
    { status: 503, retryAfter: "7", headers: { "stripe-should-retry": "false" } },
    "no not-retried: stripe-should-retry",
  ],
  [
    "a 404 with a veto",
    { status: 404, headers: { "stripe-should-retry": "false" } },
    "no not-retried: http-404",
  ],
  [
    "a vetoed status that retry.when accepts",
    { status: 503, headers: { "stripe-should-retry": "false" }, rule: { when: () => true } },
    "yes back-off 0",
  ],
  ["a 409 with a requested retry", { status: 409, headers: wanted }, "yes back-off 0"],
  ["a 200 with a requested retry", { status: 200, headers: wanted }, "no success"],
  ["a redirect with a requested retry", { status: 301, headers: wanted }, "no not-retried: http-301"],
  [
    "an exhausted quota of a POST",
    { method: "POST", status: 429, json: { error: { code: "insufficient_quota" } } },
    "no not-retried: openai:insufficient_quota",
  ],
  [
    "an exhausted quota",
    { status: 429, retryAfter: "7", json: { error: { code: "insufficient_quota" } } },
    "no not-retried: openai:insufficient_quota",
  ],

  ["a 421", { status: 421 }, "yes back-off 0"],
  ["a second 421", { status: 421, before: [statusVerdict(421)] }, "no not-retried: http-421"],
  ["a 421 to a POST", { method: "POST", status: 421 }, "yes back-off 0"],
  ["a 425 to a POST", { method: "POST", status: 425 }, "yes back-off 0"],
  [
    "an unlisted 425",
    { method: "POST", status: 425, rule: { statusForcelist: [] } },
    "no not-retried: http-425",
  ],
  ["a 421 with retries switched off", { status: 421, rule: { total: false } }, "no not-retried: http-421"],
  [
    "a listed status with retries switched off",
    { status: 503, rule: { total: false, statusForcelist: [503] } },
    "no not-retried: http-503",
  ],

  ["a refused connection", { error: refused }, "yes back-off 0"],
  ["a refused connection of a POST", { method: "POST", error: refused }, "yes back-off 0"],
  ["a refused connection with a stream", { method: "POST", body: oneShot, error: refused }, "yes back-off 0"],
  [
    "a connect timeout of a POST",
    { method: "POST", error: new ConnectTimeoutError("a.test", 1) },
    "yes back-off 0",
  ],
  ["a stale connection of a POST", { method: "POST", error: stale }, "yes back-off 0"],
  [
    "a stale connection with a stream",
    { method: "POST", body: oneShot, error: stale },
    "no not-retried: body-not-replayable",
  ],
  ["a reset", { error: reset }, "yes back-off 0"],
  ["a reset of a POST", { method: "POST", error: reset }, "no not-retried: may-have-arrived"],
  [
    "a reset of a POST with a key",
    { method: "POST", key: "k", error: reset, rule: { allowedMethods: null } },
    "yes back-off 0",
  ],
  [
    "a reset of a PUT when allowedMethods excludes PUT",
    { method: "PUT", error: reset, rule: { allowedMethods: ["GET"] } },
    "no not-retried: method-not-allowed",
  ],
  ["a read timeout", { error: silence }, "yes back-off 0"],
  ["a read timeout of a POST", { method: "POST", error: silence }, "no not-retried: may-have-arrived"],
  [
    "a read timeout after a sent stream",
    { method: "PUT", body: oneShot, error: silence },
    "no not-retried: body-not-replayable",
  ],
  ["a body that breaks off", { error: new IncompleteBodyError(1, 2) }, "yes back-off 0"],
  ["a damaged body", { error: new DecodeError("gzip") }, "yes back-off 0"],
  ["a body that does not match its digest", { error: mismatch }, "yes back-off 0"],
  [
    "a POST whose body does not match its digest",
    { method: "POST", error: mismatch },
    "no not-retried: may-have-arrived",
  ],
  ["a body that is too large", { error: new BodyTooLargeError(1) }, "no not-retried: too-large"],
  [
    "a response that is not HTTP",
    { error: new ProtocolError("?", { phase: "headers", mayHaveArrived: true }) },
    "no not-retried: protocol",
  ],
  ["a rejected certificate", { error: badCertificate }, "no not-retried: tls-certificate"],
  ["a cut handshake of a POST", { method: "POST", error: cutHandshake }, "yes back-off 0"],
  ["an unknown host name", { error: notFound }, "yes back-off 0"],
  [
    "an unknown host name at the second attempt",
    { error: notFound, before: [errorVerdict(notFound)] },
    "no not-retried: dns-not-found again",
  ],

  [
    "a full bulkhead for a POST with a stream",
    { method: "POST", body: oneShot, error: new BulkheadFullError(1, 0) },
    "yes back-off 0",
  ],
  ["an open circuit", { error: new CircuitOpenError(now + 9_000) }, "no not-retried: circuit-open"],
  [
    "an open circuit that is waited for",
    { error: new CircuitOpenError(now + 9_000), waitForCircuit: true },
    "yes circuit-open 9000",
  ],
  [
    "an isolated circuit that is waited for",
    { error: new CircuitOpenError(Infinity), waitForCircuit: true },
    "exhausted circuit-open-too-long",
  ],
  [
    "a proxy error with a Retry-After",
    { method: "POST", error: new ProxyError("?", { status: 429, retryAfter: "7" }) },
    "yes retry-after 7000",
  ],
  [
    "a proxy error with a Retry-After above retryAfterMax",
    { error: new ProxyError("?", { status: 503, retryAfter: "700" }) },
    "exhausted retry-after-too-long",
  ],
  [
    "a proxy error with a Retry-After that the retry ignores",
    {
      error: new ProxyError("?", { status: 429, retryAfter: "7" }),
      rule: { respectRetryAfterHeader: false },
    },
    "yes back-off 0",
  ],
  [
    "a proxy that requires credentials",
    { error: new ProxyError("?", { status: 407 }) },
    "no not-retried: proxy-auth",
  ],
  [
    "a sent one-shot body that a proxy did not forward",
    { method: "PUT", body: oneShot, error: new ProxyError("?", { status: 503, phase: "headers" }) },
    "no not-retried: body-not-replayable",
  ],
  [
    "an unsent one-shot body with an unreachable proxy",
    { method: "POST", body: oneShot, error: new ProxyError("?", { reason: "unreachable" }) },
    "yes back-off 0",
  ],
  ["a rate limit", { method: "POST", error: new RateLimitedError(500, now + 500) }, "yes rate-limited 500"],

  [
    "a refused connection with no retries left",
    { status: 503, rule: { total: 0, statusForcelist: [503] } },
    "exhausted retries-exhausted",
  ],
  [
    "a status with no retries left",
    { status: 503, rule: { status: 0, statusForcelist: [503] } },
    "exhausted retries-exhausted",
  ],
  [
    "a refused connection with no connect retries left",
    { error: refused, rule: { connect: 0 } },
    "exhausted retries-exhausted",
  ],
  [
    "a read timeout with read switched off",
    { error: silence, rule: { read: false } },
    "exhausted retries-exhausted",
  ],
  [
    "a Retry-After with no retries left",
    { status: 503, retryAfter: "7", rule: { total: 0, statusForcelist: [503] } },
    "exhausted retries-exhausted",
  ],

  ["a 200 that retry.when accepts", { status: 200, rule: { when: () => true } }, "yes back-off 0"],
  ["a 404 that retry.when accepts", { status: 404, rule: { when: () => true } }, "yes back-off 0"],
  [
    "a 200 to a POST that retry.when accepts",
    { method: "POST", status: 200, rule: { when: () => true } },
    "no not-retried: may-have-arrived",
  ],
  [
    "a 503 that retry.when does not accept",
    { status: 503, rule: { when: () => false, statusForcelist: [503] } },
    "yes back-off 0",
  ],
  [
    "a rejected certificate that retry.when accepts",
    { error: badCertificate, rule: { when: ({ error }) => error === badCertificate } },
    "yes back-off 0",
  ],
];

const elsewhere = { proxyAtFault: true, availableIn: 0 };
const later = { proxyAtFault: true, availableIn: 9_000 };
const never = { proxyAtFault: true, availableIn: Infinity };
const blameless = { proxyAtFault: false, availableIn: 0 };
const noProxy = (retryAt: number): NoProxyError => new NoProxyError("?", { target: "a.test", retryAt });
const once = [statusVerdict(503)];

const proxies: readonly (readonly [what: string, facts: Case, decision: string])[] = [
  ["a 403 with another proxy available", { status: 403, proxy: elsewhere }, "yes proxy 0"],
  ["a 403 with another proxy available later", { status: 403, proxy: later }, "no not-retried: http-403"],
  [
    "a 403 for which the proxy is not at fault",
    { status: 403, proxy: blameless },
    "no not-retried: http-403",
  ],
  ["a challenge page with another proxy available", { status: 200, proxy: elsewhere }, "yes proxy 0"],
  ["a 429 with another proxy available", { status: 429, retryAfter: "60", proxy: elsewhere }, "yes proxy 0"],
  [
    "an unlisted 429 with another proxy available",
    { status: 429, rule: {}, proxy: elsewhere },
    "yes proxy 0",
  ],
  [
    "a 429 with another proxy available later",
    { status: 429, retryAfter: "60", proxy: later },
    "yes back-off 9000",
  ],
  [
    "a 429 with no other proxy available in time",
    { status: 429, proxy: { ...later, availableIn: 120_001 } },
    "exhausted no-proxy-in-time",
  ],
  ["a 429 with no other proxy ever available", { status: 429, proxy: never }, "exhausted no-proxy-in-time"],
  [
    "a 429 with a veto and another proxy available",
    { status: 429, headers: { "x-should-retry": "false" }, proxy: elsewhere },
    "no not-retried: x-should-retry",
  ],
  [
    "a 503 of the origin with another proxy available",
    { status: 503, retryAfter: "7", proxy: blameless },
    "yes retry-after 7000",
  ],
  [
    "a failed proxy with another proxy available",
    { error: new ProxyError("?"), proxy: elsewhere },
    "yes proxy 0",
  ],
  [
    "a proxy that requires credentials with another proxy available",
    { error: new ProxyError("?", { status: 407 }), proxy: elsewhere },
    "yes proxy 0",
  ],
  [
    "a proxy that requires credentials with another proxy available later",
    { error: new ProxyError("?", { status: 407 }), proxy: later },
    "no not-retried: proxy-auth",
  ],
  [
    "a failed proxy of a POST with another proxy available",
    { method: "POST", error: new ProxyError("?"), proxy: elsewhere },
    "yes proxy 0",
  ],
  [
    "a 403 to a POST with another proxy available",
    { method: "POST", status: 403, proxy: elsewhere },
    "no not-retried: may-have-arrived",
  ],
  [
    "a 403 to a sent stream with another proxy available",
    { method: "PUT", body: oneShot, status: 403, proxy: elsewhere },
    "no not-retried: body-not-replayable",
  ],
  [
    "a 403 with retries switched off and another proxy available",
    { status: 403, rule: { total: false }, proxy: elsewhere },
    "no not-retried: http-403",
  ],
  [
    "a 403 with no retries left and another proxy available",
    { status: 403, rule: { total: 0 }, proxy: elsewhere },
    "exhausted retries-exhausted",
  ],
  ["no available proxy at the first attempt", { error: noProxy(now + 5_000) }, "no not-retried: no-proxy"],
  [
    "no available proxy at a later attempt",
    { error: noProxy(now + 5_000), before: once },
    "yes no-proxy 5000",
  ],
  [
    "no available proxy within retryAfterMax",
    { error: noProxy(now + 500_000), before: once },
    "exhausted no-proxy-too-long",
  ],
  [
    "no proxy that will ever be available",
    { error: noProxy(Infinity), before: once },
    "no not-retried: no-proxy",
  ],
];

for (const [what, facts, decision] of [...table, ...proxies]) {
  test(`decides "${decision}" for ${what}`, async () => {
    assert.equal(read(await decideRetry(factsOf(facts))), decision);
  });
}

test("a retry decrements the counters", async () => {
  const decision = await decideRetry(
    factsOf({ status: 503, rule: { total: 3, status: 2, statusForcelist: [503] } }),
  );

  assert.ok(decision.again === "yes");
  assert.deepEqual([decision.retry.total, decision.retry.status], [2, 1]);
});

test("a wait that is too long has retryAt", async () => {
  const decision = await decideRetry(factsOf({ status: 503, retryAfter: "3600" }));

  assert.ok(decision.again === "exhausted");
  assert.deepEqual(
    [decision.retryAt, decision.requestedDelay, decision.cause],
    [now + 3_600_000, 3_600_000, undefined],
  );
});

test("the cause of exhausted retries is the error, or a RetryError after a status that the rule raises", async () => {
  const spent = { total: 0, statusForcelist: [503] };
  const [failed, raised, returned] = [
    await decideRetry(factsOf({ error: silence, rule: { read: false } })),
    await decideRetry(factsOf({ status: 503, rule: { ...spent, raiseOnStatus: true } })),
    await decideRetry(factsOf({ status: 503, rule: { ...spent, raiseOnStatus: false } })),
  ];

  assert.ok(failed.again === "exhausted" && raised.again === "exhausted" && returned.again === "exhausted");
  assert.deepEqual([failed.cause === silence, raised.cause instanceof RetryError], [true, true]);
  // Nobody gets that error, and its stack would cost more than the attempt.
  assert.equal(returned.cause, undefined);
});

test("an asynchronous retry condition is awaited", async () => {
  const decision = decideRetry(
    factsOf({ status: 200, rule: { when: async ({ response }) => response?.status === 200 } }),
  );

  assert.ok(decision instanceof Promise);
  assert.equal(read(await decision), "yes back-off 0");
});
