import assert from "node:assert/strict";
import { test } from "node:test";
import { entryOfLine } from "./line-words.ts";
import { parseProxyList } from "./proxy-list.ts";

const rows: readonly (readonly [line: string, entry: object])[] = [
  ["gw.test:7777:ada:love", { url: "gw.test:7777:ada:love" }],
  ["gw.test:7777:ada:love rotating", { url: "gw.test:7777:ada:love", rotating: true }],
  [
    "u-{session}:p@gw.test:1  sessions=5\tmaxUses=20",
    { url: "u-{session}:p@gw.test:1", sessions: 5, session: { maxUses: 20 } },
  ],
  [
    "http://gw.test:1 maxUses=2 Rotating",
    { url: "http://gw.test:1", rotating: true, session: { maxUses: 2 } },
  ],
  // A password is not a word.
  ["gw.test:7777:ada:rotating", { url: "gw.test:7777:ada:rotating" }],
  ["gw.test:7777 whirling", { url: "gw.test:7777 whirling" }],
];

for (const [line, entry] of rows)
  test(`${JSON.stringify(line)} is a proxy, and what is said of it`, () => {
    assert.deepEqual(entryOfLine(line), entry);
  });

test("a list has the words, and a word that is none is a fault of its line", () => {
  const { proxies, faults } = parseProxyList(
    [
      "u-{session}:p@gw.test:1 sessions=3",
      "gw.test:2 rotating # the vendor's",
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
    "proxies.txt:3: there is more than a proxy on the line",
    "proxies.txt:4: sessions is a whole number from 1 on",
  ]);
});
