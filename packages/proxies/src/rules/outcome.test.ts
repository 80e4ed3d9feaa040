import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineExceededError } from "@holdfast/policy";
import {
  AttemptTimeoutError,
  BodyTooLargeError,
  ConnectTimeoutError,
  ConnectionError,
  HttpResponse,
  type HttpResponseInit,
  IncompleteBodyError,
  ProtocolError,
  ProxyError,
  ReadTimeoutError,
  StreamedResponse,
  TlsError,
  toBodySource,
} from "@holdfast/http";
import { outcomeFromError, outcomeFromResponse, type OutcomeKind } from "./outcome.ts";

function responseOf(status: number, body = "", headers: HttpResponseInit["headers"] = {}): HttpResponse {
  const content = new TextEncoder().encode(body);
  return new HttpResponse({ status, statusText: "", url: "https://a.test/", headers, content });
}

const statuses: readonly (readonly [
  status: number,
  kind: OutcomeKind,
  headers?: HttpResponseInit["headers"],
])[] = [
  [200, "success"],
  [302, "success"],
  [401, "success"],
  [404, "success"],
  [403, "blocked"],
  [403, "throttled", { "retry-after": "3" }],
  [420, "throttled"],
  [429, "throttled"],
  [451, "blocked"],
  [999, "blocked"],
  [500, "origin"],
  [502, "origin"],
  [503, "origin"],
  [529, "origin"],
  [594, "unreachable"],
];

for (const [status, kind, headers] of statuses) {
  test(`${status}${headers === undefined ? "" : " with Retry-After"} is ${kind}`, () => {
    assert.deepEqual(outcomeFromResponse(responseOf(status, "", headers), true), {
      kind,
      reason:
        status < 300
          ? "ok"
          : status === 302
            ? outcomeFromResponse(responseOf(status), true).reason
            : `http-${status}`,
    });
  });
}

for (const status of [407, 511, 590, 592, 597]) {
  test(`a ${status} is a suspicion against a proxy that forwards, and of the origin inside a tunnel`, () => {
    const reason = `http-${status}`;

    assert.deepEqual(outcomeFromResponse(responseOf(status), true), {
      kind: "proxy-suspected",
      suspicion: "proxy-failed",
      reason,
    });
    assert.deepEqual(outcomeFromResponse(responseOf(status), false), { kind: "origin", reason });
  });
}

test("a 402 that a proxy forwards is of the origin, which wants to be paid", () => {
  for (const isForwarded of [true, false])
    assert.deepEqual(outcomeFromResponse(responseOf(402), isForwarded), {
      kind: "success",
      reason: "http-402",
    });
});

test("inside a tunnel, a 594 is of the origin", () => {
  assert.equal(outcomeFromResponse(responseOf(594), false).kind, "origin");
});

test("a failure that a proxy reports in place of a response is a suspicion, and in place of a tunnel its own word", () => {
  const suspected = (suspicion: OutcomeKind, reason: string) => ({
    kind: "proxy-suspected",
    suspicion,
    reason,
  });
  const rows = [
    [{ status: 407 }, suspected("proxy-failed", "proxy-auth"), "proxy-failed"],
    [{ status: 402 }, suspected("proxy-failed", "proxy-payment"), "proxy-failed"],
    [{ status: 429 }, suspected("proxy-throttled", "proxy-throttled"), "proxy-throttled"],
    [{ reason: "failed" }, suspected("proxy-failed", "proxy"), "proxy-failed"],
    [{ status: 403 }, { kind: "blocked", reason: "proxy-refused" }, "blocked"],
    [{ status: 502 }, { kind: "unreachable", reason: "proxy-unreachable" }, "unreachable"],
  ] as const;

  for (const [init, inBand, own] of rows) {
    assert.deepEqual(outcomeFromError(new ProxyError("x", { ...init, phase: "headers" })), inBand);
    assert.equal(outcomeFromError(new ProxyError("x", init)).kind, own);
  }
});

const connection = (phase: "dns" | "connect" | "send" | "body") =>
  new ConnectionError("x", { errno: "ECONNRESET", phase, mayHaveArrived: false });
const errors: readonly (readonly [what: string, error: unknown, kind: OutcomeKind, reason: string])[] = [
  [
    "a proxy that is at fault",
    Object.assign(new ProxyError("x"), { fault: "proxy" }),
    "proxy-failed",
    "proxy",
  ],
  ["a proxy that requires credentials", new ProxyError("x", { status: 407 }), "proxy-failed", "proxy-auth"],
  [
    "a proxy that requires credentials with 401, as tinyproxy does",
    new ProxyError("x", { status: 401 }),
    "proxy-failed",
    "proxy-auth",
  ],
  ["a vendor account without credit", new ProxyError("x", { status: 402 }), "proxy-failed", "proxy-payment"],
  ["a proxy that refuses the host", new ProxyError("x", { status: 403 }), "blocked", "proxy-refused"],
  [
    "a proxy that limits the rate",
    new ProxyError("x", { status: 429 }),
    "proxy-throttled",
    "proxy-throttled",
  ],
  ["a proxy that replies 500", new ProxyError("x", { status: 500 }), "unreachable", "proxy-unreachable"],
  ["a proxy without CONNECT", new ProxyError("x", { status: 501 }), "blocked", "proxy-refused"],
  ["a proxy that replies 502", new ProxyError("x", { status: 502 }), "unreachable", "proxy-unreachable"],
  ["a proxy that replies 504", new ProxyError("x", { status: 504 }), "unreachable", "proxy-unreachable"],
  ["the 593 of proxy-chain", new ProxyError("x", { status: 593 }), "unreachable", "proxy-unreachable"],
  ["the 597 of proxy-chain", new ProxyError("x", { status: 597 }), "proxy-failed", "proxy"],
  [
    "a proxy that reports a fault of the origin",
    Object.assign(new ProxyError("x"), { fault: "origin" }),
    "unreachable",
    "proxy-unreachable",
  ],
  [
    "a proxy that reports its own fault",
    Object.assign(new ProxyError("x", { status: 502 }), { fault: "proxy" }),
    "proxy-failed",
    "proxy",
  ],
  ["a connect timeout of the proxy", new ConnectTimeoutError("a.test", 1), "proxy-failed", "timeout-connect"],
  [
    "a CONNECT that times out",
    new ConnectTimeoutError("a.test", 1, "proxy"),
    "proxy-failed",
    "timeout-connect",
  ],
  [
    "a TLS handshake through the tunnel that times out",
    new ConnectTimeoutError("a.test", 1, "tls"),
    "failed",
    "timeout-tls",
  ],
  ["a refused connection to the proxy", connection("connect"), "proxy-failed", "proxy"],
  ["a host name that this side cannot resolve", connection("dns"), "void", "dns"],
  ["a lookup of the host name that times out", new ConnectTimeoutError("a.test", 1, "dns"), "void", "dns"],
  ["a reset while sending", connection("send"), "failed", "connection"],
  ["a read timeout", new ReadTimeoutError("a.test", 1, "headers"), "failed", "timeout-read"],
  [
    "an attempt that times out",
    new AttemptTimeoutError("a.test", 1, { phase: "body", mayHaveArrived: true }),
    "failed",
    "timeout-attempt",
  ],
  ["a truncated body", new IncompleteBodyError(1, 2), "failed", "incomplete-body"],
  [
    "an invalid certificate",
    new TlsError("x", { certificate: true, errno: "X" }),
    "distorted",
    "tls-certificate",
  ],
  [
    "a tunnel to a peer without TLS",
    new TlsError("x", { certificate: false, errno: "EPROTO" }),
    "distorted",
    "tls",
  ],
  [
    "a response that is not HTTP",
    new ProtocolError("x", { phase: "headers", mayHaveArrived: true }),
    "distorted",
    "protocol",
  ],
  [
    "a proxy that closes the connection",
    new ProxyError("x", { reason: "closed" }),
    "unreachable",
    "proxy-unreachable",
  ],
  [
    "a proxy that closes the connection before CONNECT",
    new ProxyError("x", { reason: "closed", fault: "proxy" }),
    "proxy-failed",
    "proxy",
  ],
  [
    "a tunnel that times out",
    new ProxyError("x", { reason: "timeout-tunnel" }),
    "unreachable",
    "proxy-unreachable",
  ],
  ["a proxy that replies 999", new ProxyError("x", { status: 999 }), "blocked", "proxy-refused"],
  ["a body that is too large", new BodyTooLargeError(1), "void", "unknown"],
  ["an expired deadline", new DeadlineExceededError(1), "void", "unknown"],
  ["an abort", new DOMException("x", "AbortError"), "void", "unknown"],
];

for (const [what, error, kind, reason] of errors) {
  test(`${what} is ${kind}`, () => {
    assert.deepEqual(outcomeFromError(error), { kind, reason });
  });
}

const html = { "content-type": "text/html; charset=utf-8" };
const challenges: readonly (readonly [name: string, page: string, headers?: HttpResponseInit["headers"]])[] =
  [
    [
      "cloudflare",
      "<html><head><title>Just a moment...</title></head><script>window._cf_chl_opt={cvId:'3'}</script>",
    ],
    ["cloudflare", "", { ...html, "cf-mitigated": "challenge" }],
    [
      "cloudflare",
      `<title>Access denied | a.test used Cloudflare to restrict access</title><div id="cf-error-details">`,
    ],
    ["aws-waf", "", { ...html, "x-amzn-waf-action": "captcha" }],
    ["aws-waf", "<script>window.gokuProps = {};AwsWafIntegration.saveReferrer()</script>"],
    ["vercel", "<title>Vercel Security Checkpoint</title>"],
    ["datadome", `<script>var dd={'rt':'c','host':'geo.captcha-delivery.com'}</script>`],
    ["perimeterx", `<title>Access to this page has been denied</title><div id="px-captcha"></div>`],
    [
      "akamai",
      '<TITLE>Access Denied</TITLE> You don\'t have permission to access "/" on this server. Reference&#32;&#35;18',
    ],
    ["akamai", `<div id="sec-if-cpt-container">`],
    [
      "imperva",
      `<iframe src="/_Incapsula_Resource?x">Request unsuccessful. Incapsula incident ID: 1</iframe>`,
    ],
    ["google", `Our systems have detected unusual traffic <form id="captcha-form">`],
    ["amazon", `<form method="get" action="/errors/validateCaptcha">`],
    ["kasada", `<html><head></head><body><script>window.KPSDK={};</script>`],
    ["sucuri", "<title>Sucuri WebSite Firewall - Access Denied</title>"],
    ["ddos-guard", "<title>DDoS-Guard</title>"],
    ["anubis", `<script id="anubis_challenge" type="application/json">`],
    ["f5", "The requested URL was rejected. Your support ID is: 1"],
  ];

for (const [name, page, headers = html] of challenges) {
  test(`a 200 with ${page.slice(0, 60) || JSON.stringify(headers)} is a challenge of ${name}`, () => {
    const outcome = outcomeFromResponse(responseOf(200, page, headers), true);

    assert.deepEqual(outcome, { kind: "blocked", reason: `challenge-${name}` });
  });
}

const innocent: readonly (readonly [what: string, page: string, headers?: HttpResponseInit["headers"]])[] = [
  [
    "loads reCAPTCHA",
    `<script src="https://www.google.com/recaptcha/api.js"></script><div class="g-recaptcha">`,
  ],
  ["loads hCaptcha", `<script src="https://js.hcaptcha.com/1/api.js"></script><div class="h-captcha">`],
  ["loads Turnstile", `<script src="https://challenges.cloudflare.com/turnstile/v0/api.js"></script>`],
  [
    "contains the detection script of Cloudflare",
    `<script>a.src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'</script>`,
  ],
  ["contains the script of DataDome", `<script src="https://js.datadome.co/tags.js"></script>`],
  ["contains the script of PerimeterX", `<script>window._pxAppId="PX1"</script><title>Shop</title>`],
  ["contains the script of Imperva", `<script src="/_Incapsula_Resource?SWJIYLWA=1"></script>`],
  [
    "contains the script of Kasada",
    `<!doctype html><title>Shop</title><script src="/ips.js"></script><script>KPSDK.configure()</script>`,
  ],
  ["has a title like that of a challenge", "<title>Just a moment in time: a novel</title>"],
  ["quotes a challenge", "<p>Look for <code>_cf_chl_opt</code> and &lt;title&gt;Just a moment...</p>"],
  ["has a title about denied access", "<title>Access denied: a history of doors</title>"],
  ["passed the check of DataDome", "<p>welcome</p>", { ...html, "x-datadome": "protected" }],
  [
    "is JSON that quotes a challenge",
    `{"a":"<title>DDoS-Guard</title>"}`,
    { "content-type": "application/json" },
  ],
];

for (const [what, page, headers = html] of innocent) {
  test(`a page that ${what} is a success`, () => {
    assert.equal(outcomeFromResponse(responseOf(200, page, headers), true).kind, "success");
  });
}

test("a page larger than any challenge page is a success", () => {
  const padded = (page: string, bytes: number) =>
    outcomeFromResponse(responseOf(200, page.padEnd(bytes), html), true).kind;
  const titled = "<title>Just a moment...</title><script>window._cf_chl_opt={}</script>";
  const untitled = "<script>window.gokuProps = {};AwsWafIntegration.x()</script>";

  assert.deepEqual([padded(titled, 65_536), padded(titled, 65_537)], ["blocked", "success"]);
  assert.deepEqual([padded(untitled, 16_384), padded(untitled, 16_385)], ["blocked", "success"]);
});

test("the headers of a streamed response decide its outcome", () => {
  const streamed = (headers: HttpResponseInit["headers"]) =>
    new StreamedResponse({
      status: 200,
      statusText: "",
      url: "https://a.test/",
      headers,
      body: toBodySource(new Uint8Array(0)),
    });

  assert.equal(outcomeFromResponse(streamed({ ...html, "cf-mitigated": "challenge" }), true).kind, "blocked");
  assert.equal(outcomeFromResponse(streamed(html), true).kind, "success");
});
