import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InvalidUrlError } from "../errors/transport-errors.ts";
import { parseCredentials, proxyAuthorization, normalizeProxyUrl, forwardsPlainHttp } from "./proxy-url.ts";

const taken: readonly (readonly [proxy: string, url: string])[] = [
  ["http://proxy.test:8080", "http://proxy.test:8080"],
  ["https://proxy.test", "https://proxy.test"],
  ["proxy.test:3128", "http://proxy.test:3128"],
  ["user:pass@proxy.test:3128", "http://user:pass@proxy.test:3128"],
  ["socks5://127.0.0.1:1080", "socks5://127.0.0.1:1080"],
  ["socks5h://user:pass@proxy.test", "socks5h://user:pass@proxy.test"],
  ["socks4://proxy.test", "socks4://proxy.test"],
  ["socks4a://proxy.test", "socks4a://proxy.test"],
  ["SOCKS5://[::1]:1080", "SOCKS5://[::1]:1080"],
];

for (const [proxy, url] of taken) {
  test(`accepts the proxy URL ${proxy}`, () => {
    assert.equal(normalizeProxyUrl(proxy), url);
  });
}

const long = "x".repeat(256);
const refused: readonly (readonly [what: string, proxy: string, message: RegExp])[] = [
  ["an unknown scheme", "gopher://secret:secret@old.test", /socks4a:\/\/, socks5:\/\/.*gopher:\/\//],
  ["the scheme socks without a version", "socks://secret@127.0.0.1:1080", /socks5h:\/\/, got socks:\/\//],
  ["an invalid URL", "http://secret:secret@[", /not a valid URL/],
  ["no host", "socks5:///secret", /no host/],
  ["a password that SOCKS5 cannot carry", `socks5://secret:${long}@proxy.test`, /255 bytes/],
  ["a user that SOCKS5 cannot carry", `socks5h://${long}secret@proxy.test`, /255 bytes/],
  ["a user that SOCKS4 cannot carry", "socks4://secret%00@proxy.test", /SOCKS4/],
];

for (const [what, proxy, message] of refused) {
  test(`rejects a proxy URL with ${what} without naming credentials`, () => {
    assert.throws(
      () => normalizeProxyUrl(proxy),
      (error: unknown) =>
        error instanceof InvalidUrlError && message.test(error.message) && !error.message.includes("secret"),
    );
  });
}

const credentials: readonly (readonly [url: string, user: string, password: string])[] = [
  ["http://user:pass@p.test", "user", "pass"],
  ["http://user@p.test", "user", ""],
  ["http://:pass@p.test", "", "pass"],
  ["http://us%65r:p%40ss%3A%2F@p.test", "user", "p@ss:/"],
  ["http://user:100%@p.test", "user", "100%"],
  ["http://user:%zz%41@p.test", "user", "%zzA"],
  ["socks5://%C3%BCser:p%C3%A4ss@p.test", "üser", "päss"],
  ["http://customer-x-cc-us-sessid-abc:p@p.test", "customer-x-cc-us-sessid-abc", "p"],
];

for (const [url, user, password] of credentials) {
  test(`parses the credentials of ${url}`, () => {
    const found = parseCredentials(new URL(url));

    assert.deepEqual([String(found?.user), String(found?.password)], [user, password]);
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    assert.equal(proxyAuthorization(new URL(url)), authorization);
  });
}

test("parses no credentials from a proxy URL without any", () => {
  assert.equal(parseCredentials(new URL("socks5://p.test")), undefined);
  assert.equal(proxyAuthorization(new URL("http://p.test")), undefined);
});

test("decodes every percent-encoded user", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (user) => {
      const url = new URL(`http://${encodeURIComponent(user)}:x@p.test`);
      assert.equal(parseCredentials(url)?.user.toString(), user);
    }),
  );
});

test("only http and https proxies forward requests for http origins", () => {
  const proxies = ["http://p", "HTTPS://p", "socks5://p", "socks5h://p", "socks4://p", "socks4a://p"];

  assert.deepEqual(proxies.filter(forwardsPlainHttp), ["http://p", "HTTPS://p"]);
});
