import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { HttpRequest } from "./request.ts";
import { isRedirectStatus, leavesOrigin, toRedirectRequest, resolveLocation } from "./redirect-request.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

function requestOf(method: string, url = "https://a.test/start"): HttpRequest {
  return {
    method,
    url: new URL(url),
    headers: {
      accept: "*/*",
      authorization: "Bearer t",
      "content-length": "1",
      "content-type": "text/plain",
      cookie: "a=1",
      host: "a.test",
      "idempotency-key": "k",
      "proxy-authorization": "Basic p",
      "x-api-key": "s",
    },
    body: { kind: "bytes", bytes: "x" },
    idempotencyKey: "k",
  };
}

function follow(request: HttpRequest, status: number, location: string): HttpRequest {
  const redirect = toRedirectRequest(request, { status, location }, ["x-api-key"]);
  return redirect.follow ? redirect.request : assert.fail(redirect.reason);
}

const nextMethods: Readonly<Record<number, readonly string[]>> = {
  301: ["GET", "HEAD", "GET", "PUT", "PATCH", "DELETE", "OPTIONS"],
  302: ["GET", "HEAD", "GET", "GET", "GET", "GET", "GET"],
  303: ["GET", "HEAD", "GET", "GET", "GET", "GET", "GET"],
  307: methods,
  308: methods,
};

for (const [status, expected] of Object.entries(nextMethods)) {
  test(`${status} makes ${expected.join(", ")} of ${methods.join(", ")}`, () => {
    const next = methods.map((method) => follow(requestOf(method), Number(status), "/next").method);

    assert.deepEqual(next, expected);
  });
}

test("a redirect that keeps the method keeps the body, and one that changes it removes body and body headers", () => {
  for (const method of methods) {
    for (const status of [301, 302, 307, 308]) {
      const next = follow(requestOf(method), status, "/next");

      const kept = next.method === method;
      assert.equal(next.body.kind, kept ? "bytes" : "none", `${status} ${method}`);
      assert.equal("content-length" in next.headers, kept);
      assert.equal("content-type" in next.headers, kept);
      assert.equal("idempotency-key" in next.headers, kept);
      assert.equal(next.idempotencyKey, kept ? "k" : undefined);
    }
  }
});

test("303 removes every body", () => {
  assert.deepEqual(
    methods.map((method) => follow(requestOf(method), 303, "/next").body.kind),
    methods.map(() => "none"),
  );
});

const crossings: readonly (readonly [from: string, to: string, crosses: boolean])[] = [
  ["https://a.test/x", "https://a.test/y", false],
  ["https://a.test/", "https://A.TEST:443/", false],
  ["http://a.test/", "https://a.test/", false],
  ["http://a.test:80/", "https://a.test:443/", false],
  ["http://a.test:8080/", "https://a.test/", true],
  ["http://a.test/", "https://a.test:8443/", true],
  ["http://a.test/", "https://b.test/", true],
  ["https://a.test/", "http://a.test/", true],
  ["https://a.test/", "https://a.test:8443/", true],
  ["https://a.test/", "https://sub.a.test/", true],
];

for (const [from, to, crosses] of crossings) {
  test(`a redirect from ${from} to ${to} ${crosses ? "removes" : "keeps"} the credentials`, () => {
    assert.equal(leavesOrigin(new URL(from), new URL(to)), crosses);

    const { headers } = follow(requestOf("GET", from), 307, to);

    const secret = ["authorization", "cookie", "proxy-authorization", "x-api-key", "host"];
    assert.deepEqual(
      secret.filter((name) => name in headers),
      crosses ? [] : secret,
    );
    assert.equal(headers["accept"], "*/*");
  });
}

test("a Location that leads to a URL of more than 65,536 characters is not followed", () => {
  const request = requestOf("GET", "https://a.test/b/c");
  const reason = (location: string, from = request): string => {
    const redirect = toRedirectRequest(from, { status: 302, location });
    return redirect.follow ? String(redirect.request.url.href.length) : redirect.reason;
  };

  assert.equal(reason(`/${"x".repeat(65_521)}`), "65536");
  assert.equal(reason(`/${"x".repeat(65_522)}`), "bad-location");
  // Each character becomes nine.
  assert.equal(reason(`/${"€".repeat(20_000)}`), "bad-location");
  let [last, hops] = [request, 0];
  for (; hops < 30; hops += 1) {
    const next = toRedirectRequest(last, { status: 302, location: `${"d/".repeat(3_000)}x` });
    if (!next.follow) break;
    last = next.request;
  }
  assert.ok(hops < 30 && last.url.href.length <= 65_536);
});

test("a redirect to another origin removes every header whose value a log hides", () => {
  const secret = [
    "x-api-key",
    "x-auth-token",
    "x-vault-token",
    "dpop",
    "private-token",
    "x-amz-security-token",
    "cookie2",
    "x-session-id",
  ];
  const open = ["accept", "user-agent", "x-request-id", "if-none-match", "x-ratelimit-tokens"];
  const headers = Object.fromEntries([...secret, ...open].map((name) => [name, "1"]));
  const request: HttpRequest = { ...requestOf("GET", "https://a.test/"), headers };

  const next = (location: string): readonly string[] => {
    const redirect = toRedirectRequest(request, { status: 302, location });
    assert.ok(redirect.follow);
    return Object.keys(redirect.request.headers);
  };

  assert.deepEqual(next("https://b.test/"), open);
  assert.deepEqual(next("/other"), [...secret, ...open]);
});

const locations: readonly (readonly [location: string, url: string])[] = [
  ["/next", "https://a.test/next"],
  ["next", "https://a.test/b/next"],
  ["../next", "https://a.test/next"],
  ["?q=2", "https://a.test/b/c?q=2"],
  ["//b.test/x", "https://b.test/x"],
  ["http://b.test", "http://b.test/"],
  [" /with space ", "https://a.test/with%20space"],
  ["/%C3%A9", "https://a.test/%C3%A9"],
  ["/\u00c3\u00a9", "https://a.test/%C3%A9"],
  ["/é", "https://a.test/%C3%A9"],
  ["/€", "https://a.test/%E2%82%AC"],
  ["https://user:pw@b.test/", "https://b.test/"],
  ["#part", "https://a.test/b/c?q=1#part"],
];

for (const [location, url] of locations) {
  test(`${JSON.stringify(location)} leads to ${url}`, () => {
    assert.equal(resolveLocation(location, new URL("https://a.test/b/c?q=1"))?.href, url);
  });
}

test("a fragment is inherited unless the Location has its own", () => {
  const base = new URL("https://a.test/#kept");

  assert.equal(resolveLocation("/next", base)?.hash, "#kept");
  assert.equal(resolveLocation("/next#own", base)?.hash, "#own");
});

test("an invalid or forbidden Location is not followed", () => {
  const table: readonly (readonly [status: number, location: string | null | undefined, reason: string])[] = [
    [200, "/next", "not-a-redirect"],
    [300, "/next", "not-a-redirect"],
    [304, "/next", "not-a-redirect"],
    [302, null, "no-location"],
    [302, undefined, "no-location"],
    [302, "  ", "no-location"],
    [302, "http://", "bad-location"],
    [302, "http://a.test:99999/", "bad-location"],
    [302, "file:///etc/passwd", "foreign-scheme"],
    [302, "ftp://a.test/", "foreign-scheme"],
    [302, "javascript:alert(1)", "foreign-scheme"],
  ];

  for (const [status, location, reason] of table) {
    assert.deepEqual(
      toRedirectRequest(requestOf("GET"), { status, location }),
      { follow: false, reason },
      String(location),
    );
  }
});

test("toRedirectRequest does not change its request", () => {
  const request = requestOf("POST");

  follow(request, 303, "https://b.test/");

  assert.deepEqual(request, requestOf("POST"));
});

test("any Location leads to an http or https URL or to an error, and carries no credentials to another origin", () => {
  fc.assert(
    fc.property(fc.oneof(fc.webUrl(), fc.string({ unit: "binary" })), (location) => {
      const redirect = toRedirectRequest(requestOf("GET"), { status: 302, location });
      if (!redirect.follow) return;
      const { url, headers } = redirect.request;
      assert.match(url.protocol, /^https?:$/);
      assert.equal("authorization" in headers, url.origin === "https://a.test");
    }),
    { numRuns: 1_000 },
  );
});

test("isRedirectStatus accepts the redirect statuses only", () => {
  assert.deepEqual(
    [300, 301, 302, 303, 304, 305, 306, 307, 308].filter(isRedirectStatus),
    [301, 302, 303, 307, 308],
  );
});
