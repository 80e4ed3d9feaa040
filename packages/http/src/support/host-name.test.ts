import assert from "node:assert/strict";
import { test } from "node:test";
import { normalizeHost } from "./host-name.ts";

const table: readonly (readonly [text: string, host: string])[] = [
  ["A.Test", "a.test"],
  ["a.test.", "a.test"],
  [" a.test ", "a.test"],
  ["B\u00fccher.test.", "xn--bcher-kva.test"],
  ["b\u00fccher.test\u3002", "xn--bcher-kva.test"],
  ["[::1]", "::1"],
  ["2001:DB8::1", "2001:db8::1"],
  ["[0:0:0:0:0:0:0:1]", "::1"],
  ["fe80::1%eth0", "fe80::1%eth0"],
  ["127.0.0.1", "127.0.0.1"],
  ["\u00fc b", "\u00fc b"],
];

for (const [text, host] of table) {
  test(`the normal form of the host ${JSON.stringify(text)} is ${JSON.stringify(host)}`, () => {
    assert.equal(normalizeHost(text), host);
  });
}
