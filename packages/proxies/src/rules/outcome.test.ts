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

function answer(status: number, body = "", headers: HttpResponseInit["headers"] = {}): HttpResponse {
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
  [407, "proxy-failed"],
  [420, "throttled"],
  [429, "throttled"],
  [451, "blocked"],
  [999, "blocked"],
  [500, "origin"],
  [502, "origin"],
  [503, "origin"],
  [529, "origin"],
  [590, "proxy-failed"],
  [594, "unreachable"],
  [597, "proxy-failed"],
];

for (const [status, kind, headers] of statuses) {
  test(`${status}${headers === undefined ? "" : " with Retry-After"} is ${kind}`, () => {
    assert.deepEqual(outcomeFromResponse(answer(status, "", headers)), {
      kind,
      reason:
        status < 300 ? "ok" : status === 302 ? outcomeFromResponse(answer(status)).reason : `http-${status}`,
    });
  });
}

test("a captive portal's 511 is the proxy's where it could answer itself, inside TLS the host's", () => {
  const portal = (url: string) =>
    outcomeFromResponse(
      new HttpResponse({ status: 511, statusText: "", url, headers: {}, content: new Uint8Array(0) }),
    );

  assert.deepEqual(portal("http://a.test/"), { kind: "proxy-failed", reason: "http-511" });
  assert.equal(portal("https://a.test/").kind, "origin");
});

const connection = (phase: "dns" | "connect" | "send" | "body") =>
  new ConnectionError("x", { errno: "ECONNRESET", phase, mayHaveArrived: false });
const errors: readonly (readonly [what: string, error: unknown, kind: OutcomeKind, reason: string])[] = [
  [
    "a proxy that cannot be reached",
    Object.assign(new ProxyError("x"), { fault: "proxy" }),
    "proxy-failed",
    "proxy",
  ],
  ["a proxy that wants credentials", new ProxyError("x", { status: 407 }), "proxy-failed", "proxy-auth"],
  ["tinyproxy's word for that", new ProxyError("x", { status: 401 }), "proxy-failed", "proxy-auth"],
  [
    "a vendor's credit that is used up",
    new ProxyError("x", { status: 402 }),
    "proxy-failed",
    "proxy-payment",
  ],
  ["a proxy that refuses the host", new ProxyError("x", { status: 403 }), "blocked", "proxy-refused"],
  [
    "a proxy that limits the rate",
    new ProxyError("x", { status: 429 }),
    "proxy-throttled",
    "proxy-throttled",
  ],
  ["a proxy that says 500", new ProxyError("x", { status: 500 }), "unreachable", "proxy-unreachable"],
  ["a proxy that knows no CONNECT", new ProxyError("x", { status: 501 }), "blocked", "proxy-refused"],
  ["a proxy that says 502", new ProxyError("x", { status: 502 }), "unreachable", "proxy-unreachable"],
  ["a proxy that says 504", new ProxyError("x", { status: 504 }), "unreachable", "proxy-unreachable"],
  ["proxy-chain's 593", new ProxyError("x", { status: 593 }), "unreachable", "proxy-unreachable"],
  ["proxy-chain's 597", new ProxyError("x", { status: 597 }), "proxy-failed", "proxy"],
  [
    "one that says it is the origin",
    Object.assign(new ProxyError("x"), { fault: "origin" }),
    "unreachable",
    "proxy-unreachable",
  ],
  [
    "one that says it is itself",
    Object.assign(new ProxyError("x", { status: 502 }), { fault: "proxy" }),
    "proxy-failed",
    "proxy",
  ],
  ["no connection in time", new ConnectTimeoutError("a.test", 1), "proxy-failed", "timeout-connect"],
  [
    "no answer to CONNECT in time",
    new ConnectTimeoutError("a.test", 1, "proxy"),
    "proxy-failed",
    "timeout-connect",
  ],
  ["no TLS through the tunnel in time", new ConnectTimeoutError("a.test", 1, "tls"), "failed", "timeout-tls"],
  ["a proxy that is not there", connection("connect"), "proxy-failed", "proxy"],
  ["the host's name, not found from here", connection("dns"), "void", "dns"],
  ["the host's name, not found in time", new ConnectTimeoutError("a.test", 1, "dns"), "void", "dns"],
  ["a reset on the way", connection("send"), "failed", "connection"],
  ["silence", new ReadTimeoutError("a.test", 1, "headers"), "failed", "timeout-read"],
  [
    "an attempt that took too long",
    new AttemptTimeoutError("a.test", 1, { phase: "body", mayHaveArrived: true }),
    "failed",
    "timeout-attempt",
  ],
  ["a body cut short", new IncompleteBodyError(1, 2), "failed", "incomplete-body"],
  [
    "a certificate that is not the host's",
    new TlsError("x", { certificate: true, errno: "X" }),
    "distorted",
    "tls-certificate",
  ],
  [
    "a tunnel that leads to what speaks no TLS",
    new TlsError("x", { certificate: false, errno: "EPROTO" }),
    "distorted",
    "tls",
  ],
  [
    "an answer that is not HTTP",
    new ProtocolError("x", { phase: "headers", mayHaveArrived: true }),
    "distorted",
    "protocol",
  ],
  ["a proxy that hangs up", new ProxyError("x", { reason: "closed" }), "unreachable", "proxy-unreachable"],
  [
    "one that hangs up before it knows the host",
    new ProxyError("x", { reason: "closed", fault: "proxy" }),
    "proxy-failed",
    "proxy",
  ],
  [
    "one that opens no tunnel in time",
    new ProxyError("x", { reason: "timeout-tunnel" }),
    "unreachable",
    "proxy-unreachable",
  ],
  ["a proxy's 999", new ProxyError("x", { status: 999 }), "blocked", "proxy-refused"],
  ["a body that is too large", new BodyTooLargeError(1), "void", "unknown"],
  ["the deadline", new DeadlineExceededError(1), "void", "unknown"],
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
  test(`${page.slice(0, 60) || JSON.stringify(headers)} is a challenge by ${name}, also with status 200`, () => {
    const outcome = outcomeFromResponse(answer(200, page, headers));

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
    "bears Cloudflare's detection script",
    `<script>a.src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'</script>`,
  ],
  ["bears DataDome's script", `<script src="https://js.datadome.co/tags.js"></script>`],
  ["bears PerimeterX's script", `<script>window._pxAppId="PX1"</script><title>Shop</title>`],
  ["bears Imperva's script", `<script src="/_Incapsula_Resource?SWJIYLWA=1"></script>`],
  [
    "bears Kasada's script",
    `<!doctype html><title>Shop</title><script src="/ips.js"></script><script>KPSDK.configure()</script>`,
  ],
  ["is called like a challenge", "<title>Just a moment in time: a novel</title>"],
  ["quotes a challenge", "<p>Look for <code>_cf_chl_opt</code> and &lt;title&gt;Just a moment...</p>"],
  ["speaks of denied access", "<title>Access denied: a history of doors</title>"],
  ["was guarded by DataDome, and let through", "<p>welcome</p>", { ...html, "x-datadome": "protected" }],
  ["is JSON that quotes one", `{"a":"<title>DDoS-Guard</title>"}`, { "content-type": "application/json" }],
];

for (const [what, page, headers = html] of innocent) {
  test(`a page that ${what} is no challenge`, () => {
    assert.equal(outcomeFromResponse(answer(200, page, headers)).kind, "success");
  });
}

test("a page that is as large as no challenge is, is not looked through", () => {
  const padded = (page: string, bytes: number) =>
    outcomeFromResponse(answer(200, page.padEnd(bytes), html)).kind;
  const titled = "<title>Just a moment...</title><script>window._cf_chl_opt={}</script>";
  const untitled = "<script>window.gokuProps = {};AwsWafIntegration.x()</script>";

  assert.deepEqual([padded(titled, 65_536), padded(titled, 65_537)], ["blocked", "success"]);
  assert.deepEqual([padded(untitled, 16_384), padded(untitled, 16_385)], ["blocked", "success"]);
});

test("a streamed response is judged by its headers", () => {
  const streamed = (headers: HttpResponseInit["headers"]) =>
    new StreamedResponse({
      status: 200,
      statusText: "",
      url: "https://a.test/",
      headers,
      body: toBodySource(new Uint8Array(0)),
    });

  assert.equal(outcomeFromResponse(streamed({ ...html, "cf-mitigated": "challenge" })).kind, "blocked");
  assert.equal(outcomeFromResponse(streamed(html)).kind, "success");
});
