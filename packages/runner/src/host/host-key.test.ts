import assert from "node:assert/strict";
import { test } from "node:test";
import { hostKey, isAddress } from "./host-key.ts";

test("the key of a host is its name, and its port unless it is the scheme's own", () => {
  const rows = [
    ["http://a.example/x", "a.example"],
    ["https://A.example./y", "a.example"],
    ["https://a.example:443/", "a.example"],
    ["http://a.example:443/", "a.example:443"],
    ["http://a.example:8080/", "a.example:8080"],
    ["http://user:password@a.example/", "a.example"],
    ["http://[::1]:80/", "[::1]"],
  ] as const;

  for (const [url, key] of rows) assert.equal(hostKey(url), key);
});

test("an address is not a name", () => {
  assert.deepEqual(["127.0.0.1", "127.0.0.1:80", "[::1]:80", "a.example", "1.example"].map(isAddress), [
    true,
    true,
    true,
    false,
    false,
  ]);
});
