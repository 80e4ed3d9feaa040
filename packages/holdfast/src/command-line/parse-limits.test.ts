import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHostRules, parseRate } from "./parse-limits.ts";

test("parseRate returns requests per second", () => {
  assert.deepEqual(
    ["5/s", "90/m", "1800/h", "0.5/s", undefined].map((text) => parseRate("rate", text)),
    [5, 1.5, 0.5, 0.5, undefined],
  );
});

test("parseRate rejects what is not a rate, with an example", () => {
  for (const text of ["5", "5/d", "0/s", "-1/s", "/s", "five/s", "5/s/s"])
    assert.throws(() => parseRate("rate", text), /--rate must be a rate, such as 5\/s, 100\/m or 1000\/h/);
});

test("parseHostRules returns the limits of each host", () => {
  assert.deepEqual(parseHostRules(["API.example.com rate=2/s per-host=1", "b.example:8080  delay=100ms"]), {
    "api.example.com": { rate: 2, perHost: 1 },
    "b.example:8080": { delay: 100 },
  });
  assert.equal(parseHostRules(undefined), undefined);
});

test("parseHostRules rejects a rule without host or limits, and an unknown limit", () => {
  for (const text of ["", "a.example", "rate=2/s", "https://a.example/ rate=2/s"])
    assert.throws(() => parseHostRules([text]), /must be a host and its limits, such as/);
  assert.throws(() => parseHostRules(["a.example rat=2/s"]), /unknown limit "rat": did you mean rate\?/);
  assert.throws(() => parseHostRules(["a.example rate=2"]), /must be a rate/);
});
