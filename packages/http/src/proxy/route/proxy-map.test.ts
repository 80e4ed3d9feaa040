import assert from "node:assert/strict";
import { test } from "node:test";
import { createProxyLookup } from "./proxy-map.ts";

const url = new URL("http://api.test/");
const environment = { http_proxy: "http://env.test:1", no_proxy: "direct.test" };

const cases = [
  ["nothing said goes directly", undefined, undefined, undefined, undefined],
  ["the environment counts", undefined, environment, undefined, "http://env.test:1"],
  [
    "the session beats the environment",
    "http://session.test:2",
    environment,
    undefined,
    "http://session.test:2",
  ],
  [
    "the request beats the session",
    "http://session.test:2",
    environment,
    "http://own.test:3",
    "http://own.test:3",
  ],
  ["a map names proxies by scheme", { https: "http://session.test:2" }, undefined, undefined, undefined],
  [
    "a proxy without a scheme is an http one",
    "session.test:2",
    undefined,
    undefined,
    "http://session.test:2",
  ],
  [
    "a SOCKS proxy of the environment counts for all",
    undefined,
    { ALL_PROXY: "socks5://user:pass@env.test:1080" },
    undefined,
    "socks5://user:pass@env.test:1080",
  ],
  ["a SOCKS proxy counts", "socks4a://session.test:2", undefined, undefined, "socks4a://session.test:2"],
] as const;

for (const [name, session, env, own, expected] of cases) {
  test(name, () => {
    assert.equal(createProxyLookup(session, env)(url, own), expected);
  });
}

test("a host that the environment exempts goes directly", () => {
  assert.equal(createProxyLookup(undefined, environment)(new URL("http://direct.test/")), undefined);
});

test("a proxy of a kind that is not spoken is refused without naming its credentials", () => {
  assert.throws(
    () => createProxyLookup("gopher://user:secret@old.test", undefined)(url),
    (error: Error) => {
      assert.equal(error.name, "InvalidUrlError");
      return !error.message.includes("secret");
    },
  );
});
