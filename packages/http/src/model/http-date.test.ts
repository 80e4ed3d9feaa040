import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseHttpDate } from "./http-date.ts";

const now = Date.UTC(2026, 10, 22);

test("reads the three forms of RFC 9110 as the same instant", () => {
  const forms = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  ];

  const instants = forms.map((form) => parseHttpDate(form, now));

  const expected = Date.UTC(1994, 10, 6, 8, 49, 37);
  assert.deepEqual(instants, [expected, expected, expected]);
});

test("parses mail dates", () => {
  const noon = Date.UTC(2019, 5, 3, 12);
  const texts = [
    "mon, 3 june 2019 12:00:00 utc",
    "Mon, 03 Jun 2019 12:00 GMT",
    "Mon,03 Jun 2019 12:00:00",
    "03 Jun 2019 12:00:00 -0000",
    "Mon, 03 Jun 2019 14:00:00 +02:00",
    "Mon, 03 Jun 2019 08:30:00 -0330",
    "Mon, 03 Jun 2019 08:00:00 EDT",
    "Mon, 03 Jun 2019 12:00:00 XYZ",
    "Mon Jun 3 12:00:00 GMT 2019",
    "Sun, 03 Jun 2019 12:00:00 GMT",
  ];

  const instants = texts.map((text) => parseHttpDate(text, now));

  assert.deepEqual(
    instants,
    texts.map(() => noon),
  );
});

test("rejects days and times that do not exist", () => {
  const texts = [
    "Mon, 31 Feb 2019 12:00:00 GMT",
    "Fri, 29 Feb 2019 12:00:00 GMT",
    "Mon, 00 Jun 2019 12:00:00 GMT",
    "Mon, 03 Foo 2019 12:00:00 GMT",
    "Mon, 03 Jun 2019 24:00:00 GMT",
    "Mon, 03 Jun 2019 23:60:00 GMT",
    "Mon, 03 Jun 2019 23:59:61 GMT",
    "Mon, 03 Jun 20190 12:00:00 GMT",
    "Mon, 03 Jun 2019",
    "2019-06-03T12:00:00Z",
    "",
  ];

  const read = texts.filter((text) => parseHttpDate(text, now) !== undefined);

  assert.deepEqual(read, []);
});

test("reads 29 February in a leap year and a leap second", () => {
  assert.equal(parseHttpDate("Sat, 29 Feb 2020 00:00:00 GMT", now), Date.UTC(2020, 1, 29));
  assert.equal(parseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT", now), Date.UTC(2017, 0, 1));
});

test("a year of two digits is the latest that is not more than 50 years ahead", () => {
  const at = Date.UTC(2019, 5, 3);
  const table: readonly (readonly [string, number])[] = [
    ["Sunday, 05-Mar-00 04:05:06 GMT", 2000],
    ["Monday, 05-Mar-68 04:05:06 GMT", 2068],
    ["Sunday, 02-Jun-69 23:59:59 GMT", 2069],
    ["Tuesday, 03-Jun-69 00:00:01 GMT", 1969],
    ["Thursday, 05-Mar-70 04:05:06 GMT", 1970],
    ["Friday, 05-Mar-99 04:05:06 GMT", 1999],
  ];

  for (const [text, year] of table) {
    assert.equal(new Date(parseHttpDate(text, at) ?? NaN).getUTCFullYear(), year, text);
  }
});

test("parses every date that toUTCString prints", () => {
  const seconds = fc.integer({ min: 0, max: Math.floor(Date.UTC(9999, 11, 31) / 1_000) });

  fc.assert(
    fc.property(seconds, (second) => {
      assert.equal(parseHttpDate(new Date(second * 1_000).toUTCString(), now), second * 1_000);
    }),
  );
});
