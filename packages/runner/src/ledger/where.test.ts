import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { LineResult } from "./result.ts";
import { parseWhere } from "./where.ts";

const ok: LineResult = {
  id: 1,
  line: 7,
  list: "/urls.txt",
  method: "GET",
  url: "https://example.com/a b",
  state: "done",
  reason: "ok",
  retryable: false,
  status: 200,
  attempts: 2,
  bytes: 1_000,
  finalUrl: "https://example.com/a",
  contentType: "text/html; charset=utf-8",
  fetchedAt: Date.parse("2026-05-01T12:00:00Z"),
};
const waiting: LineResult = {
  id: 2,
  line: 8,
  method: "GET",
  url: "https://example.com/b",
  state: "deferred",
  reason: "http-503",
  retryable: true,
  attempts: 1,
  bytes: 0,
};

describe("parseWhere", () => {
  const table: readonly (readonly [string, boolean, boolean])[] = [
    ["status = 200", true, false],
    ["status=200", true, false],
    ["status != 200", false, true],
    ["status > 199", true, false],
    ["status < 300 and bytes > 999", true, false],
    ["status ~ ^2", true, false],
    ["state = done", true, false],
    ["state = waiting", false, true],
    ["state != waiting", true, false],
    ["retryable = true", false, true],
    ["reason = http-503 or reason = ok", true, true],
    ["reason = http-503 or reason = ok and attempts > 1", true, true],
    ["(reason = http-503 or reason = ok) and attempts > 1", true, false],
    ["(((line=7)))", true, false],
    ["url = 'https://example.com/a b'", true, false],
    ["url = https://example.com/b", false, true],
    ["url ~ /b$", false, true],
    [String.raw`url ~ "example\.(com|org)/a"`, true, false],
    ["contentType ~ html AND line < 8", true, false],
    ["fetchedAt > 2026-05-01", true, false],
    ["fetchedAt < 2026-05-01T12:00:00Z", false, false],
    ["fetchedAt ~ ^2026-05", true, false],
    ["list = '/urls.txt'", true, false],
  ];
  for (const [text, first, second] of table)
    it(`chooses by ${text}`, () => {
      const where = parseWhere(text);

      assert.deepEqual([where(ok), where(waiting)], [first, second]);
    });

  const faults: readonly (readonly [string, RegExp])[] = [
    ["", /at the end: expected a field, such as status/],
    ["staus = 200", /at character 1: unknown field "staus" \(did you mean status\?\)/],
    ["colour = 1", /unknown field "colour" \(the fields are line, list, /],
    ["status", /at the end: expected an operator after status/],
    ["status is 200", /at character 8: expected an operator after status: = != < > ~, got "is"/],
    ["status == 200", /at character 9: expected a value after =, got "="/],
    ["status =", /at the end: expected a value after =/],
    ["status = many", /at character 10: expected a number, got "many"/],
    ["retryable = yes", /expected true or false, got "yes"/],
    ["state = finished", /unknown state "finished" \(the states are done, failed/],
    ["url < b", /url is no number: use = != or ~/],
    ["url ~ '('", /"\(" is not a regular expression/],
    ["fetchedAt > yesterday", /expected a time, such as 2026-05-01/],
    ["(status = 200", /at the end: expected "\)"/],
    ["status = 200 status = 300", /at character 14: expected "and", "or" or the end, got "status"/],
    ["status = 200 and", /at the end: expected a field/],
    ["url = 'open", /at character 7: expected the end of the quoted value/],
  ];
  for (const [text, message] of faults)
    it(`names the fault of ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseWhere(text),
        (error) => error instanceof TypeError && message.test(error.message),
      );
    });

  it("throws nothing but a TypeError, for any text", () => {
    const words = fc.constantFrom(
      "status",
      "url",
      "=",
      "!=",
      "~",
      "<",
      "(",
      ")",
      "and",
      "or",
      "200",
      "'x'",
      '"',
      "!",
      " ",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((each) => each.join(" ")),
        ),
        (text) => {
          try {
            parseWhere(text)(ok);
          } catch (error) {
            assert.ok(error instanceof TypeError && error.message.includes(": "));
          }
        },
      ),
    );
  });
});
