import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { bypasses, environmentProxies, proxyFor, findInProxyMap } from "./environment.ts";

const bypassing: readonly (readonly [url: string, noProxy: string | undefined, bypassed: boolean])[] = [
  ["http://a.test/", undefined, false],
  ["http://a.test/", "", false],
  ["http://a.test/", "*", true],
  ["http://a.test/", "*,b.test", false],
  ["http://a.test/", "a.test", true],
  ["http://a.test/", " b.test , A.TEST ,", true],
  ["http://sub.a.test/", "a.test", true],
  ["http://sub.a.test/", ".a.test", true],
  ["http://a.test/", ".a.test", true],
  ["http://xa.test/", "a.test", false],
  ["http://a.test/", "sub.a.test", false],
  ["http://a.test:8080/", "a.test:8080", true],
  ["http://a.test:8080/", "a.test:80", false],
  ["http://a.test:8080/", "a.test", true],
  ["http://a.test/", "a.test:80", true],
  ["http://sub.a.test:80/", "a.test:80", true],
  ["https://a.test/", "a.test:443", true],
  ["https://a.test/", "a.test:80", false],
  ["http://a.test/", "a.test:443", false],
  ["http://10.1.2.3/", "10.0.0.0/8", true],
  ["http://11.1.2.3/", "10.0.0.0/8", false],
  ["http://10.1.2.3/", "10.1.2.3", true],
  ["http://10.1.2.3/", "10.1.2.3/32", true],
  ["http://10.1.2.4/", "10.1.2.3/32", false],
  ["http://10.1.2.3/", "10.0.0.0/0", false],
  ["http://10.1.2.3/", "10.0.0.0/33", false],
  ["http://10.1.2.3/", "999.0.0.0/8", false],
  ["http://10.test/", "10.0.0.0/8", false],
  ["http://[::1]/", "::1", true],
  ["http://[::1]/", "[::1]", true],
  ["http://x.a.test/", "*.a.test", true],
  ["http://a.test/", "*.a.test", true],
  ["http://xa.test/", "*.a.test", false],
  ["http://a.test/", "b.test a.test", true],
  ["http://10.0.0.7/", "b.test\t10.0.0.0/8, c.test", true],
  ["http://a.test/", " , b.test", false],
  ["http://a.test./", "a.test", true],
  ["http://a.test/", "a.test.", true],
  ["http://sub.a.test./", ".a.test.", true],
  ["http://a.test.:8080/", "a.test:8080", true],
  ["http://a.test:8080/", "a.test.:8080", true],
  ["http://a.test:8080/", "a.test.:80", false],
  ["http://B\u00fccher.test/", "b\u00fccher.test", true],
  ["http://www.b\u00fccher.test:81/", "B\u00dcCHER.test:81", true],
  ["http://xn--bcher-kva.test/", "b\u00fccher.test.", true],
  ["http://10.1.2.3:8080/", "10.1.2.3:8080", true],
  ["http://10.1.2.3:8080/", "10.1.2.3:80", false],
  ["http://[::1]:8080/", "[::1]:8080", true],
  ["http://[::1]:8080/", "[::1]:80", false],
  ["http://[::1]/", "[0:0:0:0:0:0:0:1]:80", true],
  ["http://a.test/", ".", false],
  ["http://a.test/", ":80", false],
];

for (const [url, noProxy, bypassed] of bypassing) {
  test(`no_proxy ${JSON.stringify(noProxy)} ${bypassed ? "exempts" : "does not exempt"} ${url}`, () => {
    assert.equal(bypasses(new URL(url), noProxy), bypassed);
  });
}

test("findInProxyMap returns the proxy of the most specific key", () => {
  const url = new URL("https://a.test/");
  const all = { "https://a.test": "1", https: "2", "all://a.test": "3", all: "4" };

  const chosen = Object.keys(all).map((_, index) =>
    findInProxyMap(url, Object.fromEntries(Object.entries(all).slice(index))),
  );

  assert.deepEqual(chosen, ["1", "2", "3", "4"]);
  assert.equal(findInProxyMap(url, { http: "5", "https://b.test": "6", https: "" }), undefined);
});

test("findInProxyMap finds the proxy of a host in any spelling of the host", () => {
  for (const [key, url] of [
    ["https://A.test", "https://a.test/"],
    ["https://a.test.", "https://a.test/"],
    ["https://a.test", "https://a.test./"],
    ["all://b\u00fccher.test", "https://xn--bcher-kva.test/"],
    ["https://[::1]", "https://[::1]/"],
  ] as const) {
    assert.equal(findInProxyMap(new URL(url), { all: "other", https: "", [key]: "own" }), "own", key);
  }
});

test("environmentProxies reads variables in either case, lower case first", () => {
  const environment = {
    http_proxy: "a",
    HTTP_PROXY: "b",
    HTTPS_PROXY: "c",
    ALL_PROXY: "d",
    NO_PROXY: "e",
  };

  assert.deepEqual(environmentProxies(environment), { http: "a", https: "c", all: "d", no_proxy: "e" });
});

test("an empty lower-case variable overrides the upper-case one, except for no_proxy", () => {
  const undone = environmentProxies({ http_proxy: "", HTTP_PROXY: "a", no_proxy: "", NO_PROXY: "a.test" });
  const all = environmentProxies({ HTTP_PROXY: "a", no_proxy: "", NO_PROXY: " * " });

  assert.deepEqual([undone, all], [{ no_proxy: "a.test" }, { http: "a" }]);
});

test("environmentProxies ignores HTTP_PROXY in a CGI program, where a client can set it", () => {
  assert.deepEqual(environmentProxies({ REQUEST_METHOD: "GET", HTTP_PROXY: "evil", HTTPS_PROXY: "c" }), {
    https: "c",
  });
});

const sources = { environment: { http_proxy: "env", no_proxy: "a.test" }, session: { http: "session" } };

test("the request's proxy precedes the environment's, which precedes the session's", () => {
  const url = new URL("http://b.test/");

  assert.equal(proxyFor(url, { ...sources, request: { http: "request" } }), "request");
  assert.equal(proxyFor(url, sources), "env");
  assert.equal(proxyFor(url, { session: sources.session }), "session");
  assert.equal(proxyFor(url, {}), undefined);
});

test("no_proxy exempts hosts from the environment's proxies, but not from the caller's", () => {
  const url = new URL("http://a.test/");

  assert.equal(proxyFor(url, { environment: sources.environment }), undefined);
  assert.equal(proxyFor(url, sources), "session");
  assert.equal(proxyFor(url, { ...sources, request: { http: "request" } }), "request");
  assert.equal(proxyFor(url, { ...sources, request: { no_proxy: "b.test" } }), "env");
});

test("bypasses returns a boolean for any list of hosts", () => {
  fc.assert(
    fc.property(fc.webUrl(), fc.string({ unit: "binary" }), (url, noProxy) => {
      assert.equal(typeof bypasses(new URL(url), noProxy), "boolean");
    }),
  );
});
