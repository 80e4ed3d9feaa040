import assert from "node:assert/strict";
import { test } from "node:test";
import { urlOf } from "./address.ts";
import { allOf, parseProxyList, proxyListOf } from "./list.ts";

const urlsOf = (text: string): readonly string[] =>
  allOf(parseProxyList(text, "proxies.txt")).map(({ address }) => urlOf(address));

test("reads one proxy to a line, and leaves out blank lines, comments and repetitions", () => {
  const text = [
    "\uFEFF# bought in May",
    "a.test:1",
    "",
    "  // old ones",
    "a.test:2:ada:love  # the good one",
    "a.test:1",
    "ada:lo#ve@a.test:3\r",
    "http://ada:love@a.test:4",
  ].join("\n");

  assert.deepEqual(urlsOf(text), [
    "http://a.test:1",
    "http://ada:love@a.test:2",
    "http://ada:lo%23ve@a.test:3",
    "http://ada:love@a.test:4",
  ]);
});

test("reads JSON: URLs, entries, and the names that vendors' lists use", () => {
  const list = [
    "a.test:1",
    { url: "a.test:2:ada:love", weight: 2, country: "US" },
    { host: "a.test", port: 3, username: "ada", password: "lo@ve" },
    { ip: "10.0.0.1", port: "4", user: "ada", pass: "love", protocol: "socks5" },
    { host: "a.test", port: 5 },
  ];

  assert.deepEqual(urlsOf(JSON.stringify(list)), [
    "http://a.test:1",
    "http://ada:love@a.test:2",
    "http://ada:lo%40ve@a.test:3",
    "socks5://ada:love@10.0.0.1:4",
    "http://a.test:5",
  ]);
  assert.equal(parseProxyList(JSON.stringify(list), "x").proxies[1]?.country, "US");
});

test("an IPv6 address at the beginning is no JSON", () => {
  assert.deepEqual(urlsOf("[::1]:80\n[2001:db8::1]:81"), ["http://[::1]:80", "http://[2001:db8::1]:81"]);
});

const secret = "hunter2000";

test("a bad line is named by file and line, quoted nowhere, and loses none of the others", () => {
  const { proxies, faults } = parseProxyList(
    `a.test:1\n\nme:${secret}@a.test\nb.test:2\na.test:x:me:${secret}`,
    "proxies.txt",
  );

  assert.equal(proxies.length, 2);
  assert.deepEqual(faults, [
    "proxies.txt:3: the port is missing",
    "proxies.txt:5: it is neither host:port:user:pass nor user:pass:host:port",
  ]);
  assert.throws(() => allOf({ proxies, faults }), /^TypeError: proxies\.txt:3: .*; proxies\.txt:5: /);
});

for (const [what, text, fault] of [
  ["JSON that breaks off", `["http://me:${secret}@a.test:1", `, /^proxies.json: it begins as a JSON list/],
  ["an object that is no proxy", `[{"password": "${secret}"}]`, /^proxies.json: proxy 1: the host is none/],
  ["a number", `["a.test:1", 7]`, /^proxies.json: proxy 2: a proxy is a URL/],
  ["a weight of zero", `[{"url": "a.test:1", "weight": 0}]`, /^proxies.json: proxy 1: weight/],
  [
    "no place at a time",
    `[{"url": "a.test:1", "maxConcurrent": 0}]`,
    /^proxies.json: proxy 1: maxConcurrent/,
  ],
] as const) {
  test(`${what} is a fault that quotes nothing`, () => {
    const { faults } = parseProxyList(text, "proxies.json");

    assert.match(faults[0] ?? "", fault);
    assert.ok(!faults.join().includes(secret));
  });
}

test("of many bad proxies five are named, and the others counted", () => {
  const list = proxyListOf(
    Array.from({ length: 7 }, () => ""),
    "the list",
  );

  assert.throws(() => allOf(list), /the list: proxy 1: .* proxy 5: [^;]*, and 2 more$/);
});
