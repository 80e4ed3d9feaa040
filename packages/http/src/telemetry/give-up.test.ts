import assert from "node:assert/strict";
import { test } from "node:test";
import { isGivenUp } from "./give-up.ts";
import { errorVerdict, statusVerdict } from "../model/verdict.ts";

const verdicts = {
  error: errorVerdict(undefined),
  ok: statusVerdict(200),
  moved: statusVerdict(302),
  missing: statusVerdict(404),
  busy: statusVerdict(503),
};

const endings: readonly (readonly [decision: string, verdict: keyof typeof verdicts, givenUp: boolean])[] = [
  ["success", "ok", false],
  ["success", "moved", false],
  ["redirected", "moved", false],
  ["not-retried: http-302", "moved", false],
  ["not-retried: method-not-allowed", "ok", true],
  ["not-retried: http-404", "missing", true],
  ["retries-exhausted", "busy", true],
  ["given-up: budget", "ok", true],
  ["not-retried: error", "error", true],
];

for (const [decision, verdict, givenUp] of endings) {
  test(`"${decision}" with the verdict ${verdict} is ${givenUp ? "a failure" : "a success"} of the call`, () => {
    const record = {
      number: 1,
      method: "GET",
      url: "https://a.test/",
      startedAt: 0,
      elapsed: 0,
      verdict: verdicts[verdict],
      decision,
    };

    assert.equal(isGivenUp(record), givenUp);
  });
}
