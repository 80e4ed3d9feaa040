import assert from "node:assert/strict";
import { test } from "node:test";
import { createProxyLookup } from "./proxy-map.ts";

const url = new URL("http://api.test/");
const environment = { http_proxy: "http://env.test:1", no_proxy: "direct.test" };

const cases = [
  ["a URL without any proxy setting connects directly", undefined, undefined, undefined, undefined],
  ["a URL uses the environment's proxy", undefined, environment, undefined, "http://env.test:1"],
  [
    "the session's proxy precedes the environment's",
    "http://session.test:2",
    environment,
    undefined,
    "http://session.test:2",
  ],
  [
    "the request's proxy precedes the session's",
    "http://session.test:2",
    environment,
    "http://own.test:3",
    "http://own.test:3",
  ],
  [
    "a proxy map without the scheme of the URL connects directly",
    { https: "http://session.test:2" },
    undefined,
    undefined,
    undefined,
  ],
  [
    "a proxy without a scheme is an http proxy",
    "session.test:2",
    undefined,
    undefined,
    "http://session.test:2",
  ],
  [
    "ALL_PROXY sets a SOCKS proxy for every scheme",
    undefined,
    { ALL_PROXY: "socks5://user:pass@env.test:1080" },
    undefined,
    "socks5://user:pass@env.test:1080",
  ],
  [
    "a session accepts a SOCKS proxy",
    "socks4a://session.test:2",
    undefined,
    undefined,
    "socks4a://session.test:2",
  ],
] as const;

for (const [name, session, env, own, expected] of cases) {
  test(name, () => {
    assert.equal(createProxyLookup(session, env)(url, own), expected);
  });
}

test("a host in no_proxy connects directly", () => {
  assert.equal(createProxyLookup(undefined, environment)(new URL("http://direct.test/")), undefined);
});

test("a proxy with an unsupported scheme is rejected without quoting its credentials", () => {
  assert.throws(
    () => createProxyLookup("gopher://user:secret@old.test", undefined)(url),
    (error: Error) => {
      assert.equal(error.name, "InvalidUrlError");
      return !error.message.includes("secret");
    },
  );
});
