import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseHeaders } from "../model/headers.ts";
import { hasValidator, strongValidator } from "./validator.ts";

const modified = "Mon, 02 Jan 2023 00:00:00 GMT";
const aMinuteLater = "Mon, 02 Jan 2023 00:01:00 GMT";
const almost = "Mon, 02 Jan 2023 00:00:59 GMT";

type Headers = Readonly<Record<string, string | readonly string[]>>;

test("strongValidator returns the strong tag, or without any tag a Last-Modified at least a minute before Date", () => {
  const table: readonly (readonly [Headers, string | undefined])[] = [
    [{}, undefined],
    [{ etag: '"a"' }, '"a"'],
    [{ etag: '""' }, '""'],
    [{ etag: '"a-b:c/d"' }, '"a-b:c/d"'],
    [{ etag: 'W/"a"' }, undefined],
    [{ etag: 'w/"a"' }, undefined],
    [{ etag: "a" }, undefined],
    [{ etag: '"a' }, undefined],
    [{ etag: '"a"b"' }, undefined],
    [{ etag: '"a b"' }, undefined],
    [{ etag: '"ä"' }, undefined],
    [{ etag: ['"a"', '"b"'] }, undefined],
    [{ etag: '"a", "b"' }, undefined],
    [{ etag: '"a"', "last-modified": modified, date: aMinuteLater }, '"a"'],
    [{ etag: 'W/"a"', "last-modified": modified, date: aMinuteLater }, undefined],
    [{ "last-modified": modified, date: aMinuteLater }, modified],
    [{ "last-modified": modified, date: almost }, undefined],
    [{ "last-modified": modified }, undefined],
    [{ "last-modified": aMinuteLater, date: modified }, undefined],
    [{ "last-modified": [modified, modified], date: aMinuteLater }, undefined],
    [{ "last-modified": "yesterday", date: aMinuteLater }, undefined],
    [{ "last-modified": "Monday, 02-Jan-23 00:00:00 GMT", date: aMinuteLater }, undefined],
  ];
  for (const [headers, expected] of table)
    assert.equal(strongValidator(new ResponseHeaders(headers)), expected, JSON.stringify(headers));
});

test("hasValidator accepts a response only if its headers contain the validator", () => {
  const table: readonly (readonly [Headers, string, boolean])[] = [
    [{ etag: '"a"' }, '"a"', true],
    [{ etag: '"b"' }, '"a"', false],
    [{ etag: 'W/"a"' }, '"a"', false],
    [{ etag: ['"a"', '"a"'] }, '"a"', false],
    [{}, '"a"', false],
    [{ "last-modified": modified }, modified, true],
    [{ "last-modified": almost }, modified, false],
    [{}, modified, false],
  ];
  for (const [headers, validator, expected] of table)
    assert.equal(hasValidator(new ResponseHeaders(headers), validator), expected, JSON.stringify(headers));
});
