import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProxyUrl } from "@holdfast/http/internal";
import type { ProxySpec } from "./parse-entry.ts";
import { requireValid, parseProxyLine, parseProxyList, parseProxyEntries } from "./proxy-list.ts";

const urlsOf = (text: string): readonly string[] =>
  requireValid(parseProxyList(text, "proxies.txt")).map(({ address }) => formatProxyUrl(address));

test("parseProxyList reads one proxy per line, and skips blank lines, comments and repetitions", () => {
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

test("parseProxyList reads JSON: URLs, entries, and the field names of vendors' lists", () => {
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

test("parseProxyList accepts IPv6 addresses in JSON without brackets, and rejects an invalid host", () => {
  const list = [
    { host: "::1", port: 80 },
    { host: "[::2]", port: "81" },
  ];
  assert.deepEqual(urlsOf(JSON.stringify(list)), ["http://[::1]:80", "http://[::2]:81"]);

  for (const host of ["a.test:80", "me@a.test", "a.test/x", "999.1.2.3", ""]) {
    const { faults } = parseProxyList(JSON.stringify([{ host, port: 80 }]), "x");
    assert.deepEqual(faults, ["x: proxy 1: the host is not a valid name or IP address"], host);
  }
});

test("an entry may have user and password next to its URL, but not twice", () => {
  const list = [
    { url: "http://a.test:1", username: "ada", password: "l@:/#" },
    { url: "http://a.test:2", username: "u-{session:alnum8}" },
    { host: "a.test", port: 3, username: "ada", weight: 2, country: "US", city: "Boston" },
  ];
  assert.deepEqual(urlsOf(JSON.stringify(list)), [
    "http://ada:l%40%3A%2F%23@a.test:1",
    "http://u-%7Bsession%3Aalnum8%7D:@a.test:2",
    "http://ada:@a.test:3",
  ]);
  const [, , third] = parseProxyList(JSON.stringify(list), "x").proxies;
  assert.deepEqual([third?.weight, third?.country], [2, "US"]);

  const { faults } = parseProxyList(JSON.stringify([{ url: "ada:love@a.test:1", username: "bob" }]), "x");
  assert.deepEqual(faults, [
    "x: proxy 1: user and password are both in the URL and in the entry; give them once",
  ]);
});

for (const [what, text] of [
  ["after a byte order mark", '\uFEFF["a.test:1", "a.test:2"]'],
  ["inside an object", '{"count": 2, "proxies": ["a.test:1", "a.test:2"]}'],
  [
    "under the field name of a vendor",
    '{"results": [{"proxy_address": "a.test", "port": 1}, {"host": "a.test", "port": 2}]}',
  ],
  ["as JSON lines", '{"url": "a.test:1"}\r\n\r\n{"url": "a.test:2"}\n'],
  ["as a list of columns", "ip:port:user:pass\na.test:1\na.test:2"],
  ["as CSV", "# mine\nproxy_address,port,username,password\na.test,1\na.test,2,,"],
] as const) {
  test(`parseProxyList reads a list ${what}`, () => {
    assert.deepEqual(urlsOf(text), ["http://a.test:1", "http://a.test:2"]);
  });
}

test("parseProxyList names the place of invalid JSON lines and of text in another encoding", () => {
  assert.deepEqual(parseProxyList('{"url": "a.test:1"}\n{"url"', "x").faults, [
    "x:2: it is not JSON, unlike the lines before it",
  ]);
  const utf16 = new TextDecoder().decode(Buffer.from("\uFEFFa.test:1", "utf16le"));
  assert.deepEqual(parseProxyList(utf16, "x").faults, ["x: it is not UTF-8 text"]);
});

test("parseProxyEntries distinguishes entries of one URL by their credentials callbacks, also in a later reading", () => {
  const given = (username: string) => async () => ({ username, password: "x" });
  const listed = (): readonly ProxySpec[] => {
    const [ada, bob] = [given("ada"), given("bob")];
    const url = "http://a.test:1";
    const entries = [ada, bob, ada].map((credentials) => ({ url, credentials }));
    return requireValid(parseProxyEntries(entries, "the list"));
  };

  const ids = listed().map(({ id }) => id);

  assert.equal(new Set(ids).size, 2);
  assert.deepEqual(
    listed().map(({ id }) => id),
    ids,
  );
});

test("parseProxyEntries rejects a proxy listed twice with different weights, and unknown options", () => {
  const { faults } = parseProxyEntries(
    [
      "a.test:1:ada:hunter2000",
      { url: "a.test:1:ada:hunter2000", weight: 9 },
      { url: "a.test:1", weigth: 9 },
      { url: "a.test:2", session: { TTL: "1m" } },
      { url: "a.test:2", password: 7 },
    ],
    "the list",
  );

  assert.deepEqual(faults, [
    "the list: proxy 2: it repeats an earlier proxy with another weight, maxConcurrent or session",
    'the list: proxy 3: the entry has no option "weigth": did you mean weight?',
    'the list: proxy 4: the entry.session has no option "TTL": did you mean ttl?',
    "the list: proxy 5: the entry.password takes a string, got a number",
  ]);
});

test("parseProxyList reads an IPv6 address at the beginning as a line, not as JSON", () => {
  assert.deepEqual(urlsOf("[::1]:80\n[2001:db8::1]:81"), ["http://[::1]:80", "http://[2001:db8::1]:81"]);
});

const secret = "hunter2000";

test("parseProxyList names an invalid line by file and number without quoting it, and keeps the other lines", () => {
  const { proxies, faults } = parseProxyList(
    `a.test:1\n\nme:${secret}@a.test\nb.test:2\na.test:x:me:${secret}`,
    "proxies.txt",
  );

  assert.equal(proxies.length, 2);
  assert.deepEqual(faults, [
    "proxies.txt:3: the port is missing",
    "proxies.txt:5: it is neither host:port:user:pass nor user:pass:host:port",
  ]);
  assert.throws(() => requireValid({ proxies, faults }), /^TypeError: proxies\.txt:3: .*; proxies\.txt:5: /);
});

for (const [what, text, fault] of [
  [
    "truncated JSON",
    `["http://me:${secret}@a.test:1", `,
    /^proxies.json: it begins like JSON but is not valid JSON$/,
  ],
  [
    "an object without a host",
    `[{"password": "${secret}"}]`,
    /^proxies.json: proxy 1: the host is not a valid name or IP address/,
  ],
  ["a number as a proxy", `["a.test:1", 7]`, /^proxies.json: proxy 2: a proxy must be a URL/],
  ["a weight of zero", `[{"url": "a.test:1", "weight": 0}]`, /^proxies.json: proxy 1: weight/],
  [
    "a maxConcurrent of zero",
    `[{"url": "a.test:1", "maxConcurrent": 0}]`,
    /^proxies.json: proxy 1: maxConcurrent/,
  ],
] as const) {
  test(`parseProxyList reports ${what} without quoting it`, () => {
    const { faults } = parseProxyList(text, "proxies.json");

    assert.match(faults[0] ?? "", fault);
    assert.ok(!faults.join().includes(secret));
  });
}

test("requireValid names five invalid proxies and counts the others", () => {
  const list = parseProxyEntries(
    Array.from({ length: 7 }, () => ""),
    "the list",
  );

  assert.throws(() => requireValid(list), /the list: proxy 1: .* proxy 5: [^;]*, and 2 more$/);
});

const proxyLines: readonly (readonly [line: string, entry: object])[] = [
  ["gw.test:7777:ada:love", { url: "gw.test:7777:ada:love" }],
  [
    "gw.test:7777:ada:love rotatesPerConnection",
    { url: "gw.test:7777:ada:love", rotatesPerConnection: true },
  ],
  [
    "u-{session}:p@gw.test:1  sessions=5\tmaxUses=20",
    { url: "u-{session}:p@gw.test:1", sessions: 5, session: { maxUses: 20 } },
  ],
  [
    "http://gw.test:1 maxUses=2 RotatesPerConnection",
    { url: "http://gw.test:1", rotatesPerConnection: true, session: { maxUses: 2 } },
  ],
  // A password is not an option.
  ["gw.test:7777:ada:rotating", { url: "gw.test:7777:ada:rotating" }],
  ["gw.test:7777 whirling", { url: "gw.test:7777 whirling" }],
];

for (const [line, entry] of proxyLines)
  test(`parseProxyLine reads ${JSON.stringify(line)} as a URL and its options`, () => {
    assert.deepEqual(parseProxyLine(line), entry);
  });

test("parseProxyList parses the options of a line, and reports an unknown option", () => {
  const { proxies, faults } = parseProxyList(
    [
      "u-{session}:p@gw.test:1 sessions=3",
      "gw.test:2 rotatesPerConnection # the vendor's",
      "gw.test:3 whirling",
      "gw.test:4 sessions=0",
    ].join("\n"),
    "proxies.txt",
  );

  assert.deepEqual(
    proxies.map(({ label, gateway, sessions }) => [label, gateway, sessions]),
    [
      ["http://gw.test:1", true, 3],
      ["http://gw.test:2", true, Infinity],
    ],
  );
  assert.deepEqual(faults, [
    "proxies.txt:3: the line contains more than a proxy",
    "proxies.txt:4: sessions must be a whole number, 1 or more",
  ]);
});
