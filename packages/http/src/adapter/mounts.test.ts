import assert from "node:assert/strict";
import { test } from "node:test";
import { Mounts, normalizePrefix } from "./mounts.ts";

function mounted(...prefixes: readonly string[]): Mounts<string> {
  const mounts = new Mounts<string>();
  for (const prefix of prefixes) mounts.mount(prefix, prefix);
  return mounts;
}

const table: readonly (readonly [prefixes: readonly string[], url: string, served: string | undefined])[] = [
  [["https://", "http://"], "https://a.test/", "https://"],
  [["https://", "http://"], "ftp://a.test/", undefined],
  [["https://", "https://a.test/v1", "https://a.test"], "https://a.test/v1/users", "https://a.test/v1"],
  [["https://", "https://a.test/v1", "https://a.test"], "https://a.test/v10", "https://a.test/v1"],
  [["https://", "https://a.test/v1", "https://a.test"], "https://a.test/v2", "https://a.test"],
  [["https://", "https://a.test/v1", "https://a.test"], "https://b.test/v1", "https://"],
  [["https://A.test/V1"], "HTTPS://a.TEST/v1", "https://A.test/V1"],
  [["https://a.test/", "https://A.test/"], "https://a.test/", "https://a.test/"],
  [["https://", "https://a.test"], "https://a.test.evil.example/", "https://"],
  [["https://", "https://a.test"], "https://a.testing/", "https://"],
  [["https://", "https://a.test"], "https://a.test:pw@evil.example/", "https://"],
  [["https://", "https://a.test"], "https://a.test@evil.example/", "https://"],
  [["https://", "https://a.test"], "https://user@a.test/", "https://"],
  [["https://a.test"], "https://a.test:8443/", "https://a.test"],
  [["https://a.test"], "https://a.test?x=1", "https://a.test"],
  [["https://a.test"], "https://a.test#x", "https://a.test"],
  [["https://a.test"], "https://a.test\\x", "https://a.test"],
  [["https://a.test:80"], "https://a.test:8080/", undefined],
  [["https://a.test:80"], "https://a.test:80/", "https://a.test:80"],
  [["http://[::1]"], "http://[::1]:3000/", "http://[::1]"],
  [["http"], "https://a.test/", "http"],
  [["https://", "https://a.test"], "https://a.test./v1", "https://a.test"],
  [["https://", "https://a.test"], "https://a.test.:8443/", "https://a.test"],
  [["https://", "https://a.test."], "https://a.test/", "https://a.test."],
  [["https://", "https://a.test:8443/"], "https://a.test.:8443/", "https://a.test:8443/"],
  [["https://", "https://a.test/v1."], "https://a.test/v1", "https://"],
  [["https://", "https://a.test"], "https://a.test.evil.example/", "https://"],
  [[""], "anything", ""],
];

for (const [prefixes, url, served] of table) {
  test(`of the prefixes ${JSON.stringify(prefixes)}, ${JSON.stringify(served)} matches ${url}`, () => {
    assert.equal(mounted(...prefixes).get(url), served);
  });
}

test("tries the longest prefix first, and of equal ones the first mounted", () => {
  const mounts = mounted("https://", "http://b.test", "https://a.test/", "http://a.test");

  assert.deepEqual(mounts.prefixes, ["https://a.test/", "http://b.test", "http://a.test", "https://"]);
});

test("mounting a prefix again replaces its value and keeps its position", () => {
  const mounts = mounted("http://a.test", "http://b.test");

  mounts.mount("http://a.test", "new");

  assert.deepEqual(mounts.prefixes, ["http://a.test", "http://b.test"]);
  assert.deepEqual(mounts.values, ["new", "http://b.test"]);
  assert.equal(mounts.get("http://a.test/"), "new");
});

const written: readonly (readonly [prefix: string, written: string])[] = [
  ["https://", "https://"],
  ["HTTP://A.test:80", "http://a.test/"],
  ["https://a.test:443/v1/", "https://a.test/v1/"],
  ["https://a.test:80/", "https://a.test:80/"],
  ["https://A.test", "https://a.test"],
  ["http://[::1]", "http://[::1]"],
  ["http://[2001:db8::80]/", "http://[2001:db8::80]/"],
  ["http://[::1]:80/", "http://[::1]/"],
  ["http://p\u00e9.test/\u00e9", "http://xn--p-bga.test/%C3%A9"],
  ["https://ann:pw@a.test/", "https://a.test/"],
  ["https://A.test.", "https://a.test"],
  ["https://a.test.:8443/v1/", "https://a.test:8443/v1/"],
];

for (const [prefix, url] of written) {
  test(`normalizes the prefix ${prefix} to ${url}`, () => {
    assert.equal(normalizePrefix(prefix), url);
  });
}
