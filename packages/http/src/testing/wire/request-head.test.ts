import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { headersByName, parseHead, parsePath } from "./request-head.ts";

test("parses a head at its empty line and at no byte before", () => {
  const bytes = Buffer.from("\r\nGET /a HTTP/1.1\r\nHost: x\r\nEmpty:\r\n\r\nbody");
  const length = bytes.length - 4;
  fc.assert(
    fc.property(fc.nat(bytes.length), (count) => {
      assert.equal(parseHead(bytes.subarray(0, count)).at, count < length ? "partial" : "whole");
    }),
  );

  assert.deepEqual(parseHead(bytes), {
    at: "whole",
    head: {
      method: "GET",
      target: "/a",
      httpVersion: "1.1",
      headerLines: [
        ["Host", "x"],
        ["Empty", ""],
      ],
    },
    length,
  });
});

test("rejects bytes that cannot become a request", () => {
  for (const bytes of [
    "\x16\x03\x01",
    "\0",
    "GET / HTTP/2\r\n\r\n",
    "GET / HTTP/1.1\r\n: x\r\n\r\n",
    `GET /${"a".repeat(300_000)}`,
  ]) {
    assert.equal(parseHead(Buffer.from(bytes, "latin1")).at, "bad", bytes.slice(0, 20));
  }
});

test("extracts the path that selects a route", () => {
  const table = [
    ["/a/b?c=/d", "/a/b"],
    ["http://host:80/a?b", "/a"],
    ["http://host", "/"],
    ["http://host?x", "/"],
    ["/", "/"],
    ["*", "*"],
    ["host.test:443", "host.test:443"],
  ] as const;
  for (const [target, path] of table) assert.equal(parsePath(target), path, target);
});

test("stores headers by lower-case name, including names of Object.prototype", () => {
  const headers = headersByName([
    ["A", "1"],
    ["__proto__", "x"],
    ["a", "2"],
  ]);

  assert.equal(headers["a"], "1, 2");
  assert.deepEqual(Object.keys(headers), ["a", "__proto__"]);
});
