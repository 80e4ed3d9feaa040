import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAdvice } from "./advice.ts";

test("formatAdvice names the options of the program and escapes control characters", () => {
  const rows = [
    ["Raise maxBytes, or request a smaller response", "Raise --max-bytes, or request a smaller response"],
    ["raise timeout.connect or timeout.read", "raise --connect-timeout or --read-timeout"],
    ["Raise timeout.total, or retry later", "Raise --timeout, or retry later"],
    ["check\u001b[2J", "check\\u{1b}[2J"],
    ["ask again", "ask again"],
  ] as const;

  for (const [advice, text] of rows) assert.equal(formatAdvice(advice), text);
});
