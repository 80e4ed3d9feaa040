import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { formatProxyLabel, parseProxyAddress, formatProxyUrl } from "./address.ts";

const forms: readonly (readonly [line: string, url: string])[] = [
  ["http://a.test:8080", "http://a.test:8080"],
  ["http://a.test:8080/", "http://a.test:8080"],
  ["HTTPS://A.test:8443", "https://a.test:8443"],
  ["http://a.test", "http://a.test:80"],
  ["socks5://a.test", "socks5://a.test:1080"],
  ["socks5h://ada:love@a.test:1080", "socks5h://ada:love@a.test:1080"],
  ["http://ada:lo%40ve@a.test:1", "http://ada:lo%40ve@a.test:1"],
  ["http://ada:lo@ve@a.test:1", "http://ada:lo%40ve@a.test:1"],
  ["http://ada:100%@a.test:1", "http://ada:100%25@a.test:1"],
  ["http://ada@a.test:1", "http://ada:@a.test:1"],
  ["a.test:8080", "http://a.test:8080"],
  ["10.0.0.1:3128", "http://10.0.0.1:3128"],
  ["  10.0.0.1:3128  ", "http://10.0.0.1:3128"],
  ["ada:love@a.test:8080", "http://ada:love@a.test:8080"],
  ["ada:lo%40ve@a.test:8080", "http://ada:lo%2540ve@a.test:8080"],
  ["ada:lo:ve@a.test:8080", "http://ada:lo%3Ave@a.test:8080"],
  ["ada:lo/ve#?@a.test:8080", "http://ada:lo%2Fve%23%3F@a.test:8080"],
  ["a.test:8080:ada:love", "http://ada:love@a.test:8080"],
  ["10.0.0.1:8080:ada:love", "http://ada:love@10.0.0.1:8080"],
  ["a.test:8080:ada:lo:ve", "http://ada:lo%3Ave@a.test:8080"],
  ["a.test:8080:ada:", "http://ada:@a.test:8080"],
  ["gw:8080:ada:love", "http://ada:love@gw:8080"],
  ["a.test:8080:ada:8081", "http://ada:8081@a.test:8080"],
  ["ada:love:a.test:8080", "http://ada:love@a.test:8080"],
  ["ada:80:a.test:8080", "http://ada:80@a.test:8080"],
  ["ada:love:localhost:8080", "http://ada:love@localhost:8080"],
  ["socks5://a.test:8080:ada:love", "socks5://ada:love@a.test:8080"],
  ["[::1]:8080", "http://[::1]:8080"],
  ["http://[2001:db8::1]", "http://[2001:db8::1]:80"],
  ["ada:love@[::1]:8080", "http://ada:love@[::1]:8080"],
  ["[2001:db8::1]:8080:ada:love", "http://ada:love@[2001:db8::1]:8080"],
  ["ada:love:[2001:db8::1]:8080", "http://ada:love@[2001:db8::1]:8080"],
  ["a.test:8080@ada:love", "http://ada:love@a.test:8080"],
  ["10.0.0.1:8080@ada:lo:ve", "http://ada:lo%3Ave@10.0.0.1:8080"],
  ["10.0.0.1:8080:ada:lo@ve", "http://ada:lo%40ve@10.0.0.1:8080"],
  ["10.0.0.1:8080:ada:lo#ve", "http://ada:lo%23ve@10.0.0.1:8080"],
  ["10.0.0.1:8080:ada:lo/ve?", "http://ada:lo%2Fve%3F@10.0.0.1:8080"],
  ["10.0.0.1:8080:ada:l@o@ve", "http://ada:l%40o%40ve@10.0.0.1:8080"],
  ["http://10.0.0.1:8080:ada:lo#ve", "http://ada:lo%23ve@10.0.0.1:8080"],
  ["10.0.0.1,8080,ada,love", "http://ada:love@10.0.0.1:8080"],
  ["10.0.0.1, 8080", "http://10.0.0.1:8080"],
  ["10.0.0.1;8080;ada;love", "http://ada:love@10.0.0.1:8080"],
  ["10.0.0.1\t8080\tada\tlo:ve", "http://ada:lo%3Ave@10.0.0.1:8080"],
  ["10.0.0.1:8080;ada:love", "http://ada:love@10.0.0.1:8080"],
  ["10.0.0.1:8080|ada|love", "http://ada:love@10.0.0.1:8080"],
  ["socks5://10.0.0.1,1080,ada,love", "socks5://ada:love@10.0.0.1:1080"],
  ["10.0.0.1:8080:ada:lo,ve", "http://ada:lo%2Cve@10.0.0.1:8080"],
  ['"10.0.0.1:8080:ada:love"', "http://ada:love@10.0.0.1:8080"],
  ["'10.0.0.1:8080',", "http://10.0.0.1:8080"],
  ["\uFEFF10.0.0.1:8080:ada:love\u200B\u00A0", "http://ada:love@10.0.0.1:8080"],
  ["user-{session:alnum8}:{pass}@a.test:1", "http://user-%7Bsession%3Aalnum8%7D:%7Bpass%7D@a.test:1"],
];

for (const [line, url] of forms) {
  test(`parseProxyAddress reads ${line} as ${url}`, () => {
    assert.equal(formatProxyUrl(parseProxyAddress(line)), url);
  });
}

const secret = "hunter2000";
const broken: readonly (readonly [line: string, why: RegExp])[] = [
  ["", /host is not a valid name/],
  ["a.test", /port is missing/],
  ["a.test:0", /port is not/],
  ["a.test:65536", /port is not/],
  [`a.test:${secret}`, /port is not/],
  [`ftp://me:${secret}@a.test:1`, /must begin with one of http/],
  [`${secret}://a.test:1`, /must begin with one of http/],
  [`me:${secret}@a.test`, /port is missing/],
  [`me:${secret}@a.test:1:2`, /after the @/],
  [`me:${secret}@a b:1`, /host is not a valid name/],
  [`::1:8080:me:${secret}`, /neither/],
  [`a.test:me:${secret}`, /neither/],
  [`me:${secret}:x`, /neither/],
  [`me:${secret} a.test:1`, /more than a proxy/],
  ["a.test:80:b.test:81", /both/],
  [`a.test:80:me:${secret}@h:1`, /both as host:port:user:pass and as user:pass@host:port/],
  [`http://a.test:80:me:${secret}@h`, /both/],
  [`10.0.0.1:99999:me:${secret}`, /port is not/],
  [`999.1.2.3:80:me:${secret}`, /neither/],
  ["999.1.2.3:80", /host is not a valid name/],
  ["1:80", /host is not a valid name/],
  [`curl -x http://me:${secret}@10.0.0.1:80`, /more than a proxy/],
  [`10.0.0.1:80:me:${secret} [US]`, /more than a proxy/],
  ["10.0.0.1:80, 10.0.0.2:80", /more than a proxy/],
  ["10.0.0.1\t80\tUS\telite\tno", /more columns than host, port, user and password/],
  [`10.0.0.1:80:me:${secret},`, /ends in a comma or semicolon/],
  [`10.0.0.1:80:me:hun\u200B${secret}`, /invisible character/],
  [`::1:80:me:${secret}`, /an IPv6 address stands in brackets/],
  ["gw:80:ada:81", /both/],
];

for (const [line, why] of broken) {
  test(`parseProxyAddress rejects ${JSON.stringify(line)} without quoting it`, () => {
    assert.throws(
      () => parseProxyAddress(line),
      (error: Error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, why);
        return !error.message.includes(secret);
      },
    );
  });
}

test("formatProxyLabel omits the credentials", () => {
  assert.equal(formatProxyLabel(parseProxyAddress("socks5://ada:love@a.test:1080")), "socks5://a.test:1080");
});

const anything = fc.string({ minLength: 1, maxLength: 12 });

test("any user and password survive a round trip through the URL", () => {
  fc.assert(
    fc.property(anything, anything, (username, password) => {
      const address = { scheme: "http", host: "a.test", port: 81, username, password } as const;

      assert.deepEqual(parseProxyAddress(formatProxyUrl(address)), address);
    }),
  );
});

test("parseProxyAddress throws nothing but a TypeError for any line", () => {
  fc.assert(
    fc.property(fc.string(), (line) => {
      try {
        parseProxyAddress(line);
      } catch (error) {
        assert.ok(error instanceof TypeError);
      }
    }),
  );
});
