import assert from "node:assert/strict";
import { test } from "node:test";
import { findExitAddress } from "./exit-address.ts";

test("findExitAddress finds the address in a page of the known forms, and in no other", () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["203.0.113.9", "203.0.113.9"],
    [" 203.0.113.9\r\n", "203.0.113.9"],
    ["2001:db8::9\n", "2001:db8::9"],
    ['"203.0.113.9"', "203.0.113.9"],
    ['{ "origin": "203.0.113.9" }', "203.0.113.9"],
    ['{ "origin": "10.0.0.1, 203.0.113.9" }', "203.0.113.9"],
    ['{ "ip": "203.0.113.9", "country": "us" }', "203.0.113.9"],
    ['{ "query": "203.0.113.9", "status": "success" }', "203.0.113.9"],
    ['{ "ip": 7 }', undefined],
    ["{ }", undefined],
    ["null", undefined],
    ["<html>203.0.113.9</html>", undefined],
    ["", undefined],
    ["1", undefined],
    [`${" ".repeat(10_000)}203.0.113.9`, undefined],
  ];

  for (const [text, address] of rows) assert.equal(findExitAddress(text), address, text);
});
