import assert from "node:assert/strict";
import { test } from "node:test";
import { Mounts } from "./mount.ts";

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
  [["http://a.test:80/"], "http://a.test/x", "http://a.test:80/"],
  [["https://", "HTTPS://a.test:443"], "https://a.test/x", "HTTPS://a.test:443"],
  [["http://a.test:80", "http://a.test:8080"], "http://a.test:8080/", "http://a.test:8080"],
  [["https://a.test:80/"], "https://a.test/", undefined],
  [["http://[2001:db8::80]/"], "http://[2001:db8::80]/", "http://[2001:db8::80]/"],
  [["http://[::1]:80/"], "http://[::1]/", "http://[::1]:80/"],
  [["http"], "https://a.test/", "http"],
  [[""], "anything", ""],
];

for (const [prefixes, url, served] of table) {
  test(`of ${JSON.stringify(prefixes)}, ${JSON.stringify(served)} serves ${url}`, () => {
    assert.equal(mounted(...prefixes).get(url), served);
  });
}

test("tries the longest prefix first, and of equal ones the first mounted", () => {
  const mounts = mounted("https://", "http://b.test", "https://a.test/", "http://a.test");

  assert.deepEqual(mounts.prefixes, ["https://a.test/", "http://b.test", "http://a.test", "https://"]);
});

test("mounting a prefix again replaces what was there, in its place", () => {
  const mounts = mounted("http://a.test", "http://b.test");

  mounts.mount("http://a.test", "new");

  assert.deepEqual(mounts.prefixes, ["http://a.test", "http://b.test"]);
  assert.deepEqual(mounts.values, ["new", "http://b.test"]);
  assert.equal(mounts.get("http://a.test/"), "new");
});

test("a prefix with the port that its scheme has anyway is the same as one without", () => {
  const mounts = mounted("http://a.test/");

  mounts.mount("http://a.test:80/", "new");

  assert.deepEqual(mounts.values, ["new"]);
});
