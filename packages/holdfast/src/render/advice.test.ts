import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAdvice } from "./advice.ts";

test("formatAdvice names the options of the program and escapes control characters", () => {
  const rows = [
    ["raise maxBytes, or ask for less", "raise --max-bytes, or ask for less"],
    ["raise timeout.connect or timeout.read", "raise --connect-timeout or --read-timeout"],
    ["raise timeout.total, or ask later", "raise --timeout, or ask later"],
    ["check\u001b[2J", "check\\u{1b}[2J"],
    ["ask again", "ask again"],
  ] as const;

  for (const [advice, text] of rows) assert.equal(formatAdvice(advice), text);
});
