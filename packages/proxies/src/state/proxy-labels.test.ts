import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyLabels } from "./proxy-labels.ts";

test("ProxyLabels numbers equal addresses from the second on", () => {
  const labels = new ProxyLabels();
  const addresses = ["http://a.test:1", "http://b.test:1", "http://a.test:1", "http://a.test:1"];

  assert.deepEqual(
    addresses.map((address) => labels.take(address)),
    ["http://a.test:1", "http://b.test:1", "http://a.test:1 #2", "http://a.test:1 #3"],
  );
});

test("ProxyLabels gives the lowest free number first", () => {
  const labels = new ProxyLabels();
  const address = "http://a.test:1";
  const given = [1, 2, 3, 4].map(() => labels.take(address));

  for (const label of given.slice(0, 3)) labels.release(address, label);

  assert.deepEqual(
    [1, 2, 3, 4].map(() => labels.take(address)),
    ["http://a.test:1", "http://a.test:1 #2", "http://a.test:1 #3", "http://a.test:1 #5"],
  );
});
