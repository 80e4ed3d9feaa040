import assert from "node:assert/strict";
import { test } from "node:test";
import { UnsendableRequest } from "../errors/unsendable-request.ts";
import type { OutgoingRequest } from "../wire/protocol.ts";
import { toHttp2Request } from "./request-fields.ts";

function convert(request: Partial<OutgoingRequest>): readonly (readonly [string, string])[] {
  const { fields } = toHttp2Request({ method: "GET", path: "/a?b", headers: {}, ...request }, "h:1");
  return fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? ""] as const] : []));
}

const pseudo = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "h:1"],
  [":path", "/a?b"],
] as const;

test("a request has the pseudo fields first, and its headers in lower case", () => {
  assert.deepEqual(convert({ headers: { "X-Name": "value", accept: ["a", "b"] } }), [
    ...pseudo,
    ["x-name", "value"],
    ["accept", "a"],
    ["accept", "b"],
  ]);
});

test("a Host header is the authority, and several cookies are one field", () => {
  const fields = new Map(convert({ headers: { host: "other:2", cookie: ["a=1", "b=2"], Cookie: "c=3" } }));

  assert.deepEqual([fields.get(":authority"), fields.has("host")], ["other:2", false]);
  assert.equal(fields.get("cookie"), "a=1; b=2; c=3");
});

test("a body of known length has a Content-Length, also an empty one of a method that usually has a body", () => {
  const lengthOf = (request: Partial<OutgoingRequest>): string | undefined =>
    new Map(convert(request)).get("content-length");

  assert.equal(lengthOf({ method: "POST", body: "über" }), "5");
  assert.equal(lengthOf({ method: "POST" }), "0");
  assert.equal(lengthOf({ method: "PUT", body: "ab", headers: { "content-length": "2" } }), "2");
  assert.equal(lengthOf({}), undefined);
  assert.equal(lengthOf({ method: "POST", body: [Buffer.from("piece")] }), undefined);
});

test("headers that cannot change are converted once", () => {
  const headers = Object.freeze({ accept: "a" });

  assert.deepEqual(convert({ headers }), convert({ headers }));
});

const refused: readonly (readonly [string, Partial<OutgoingRequest>, RegExp])[] = [
  ...["connection", "Keep-Alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"].map(
    (name) =>
      [name, { headers: { [name]: "x" } }, /belongs to a connection of HTTP\/1\.1.*remove it/] as const,
  ),
  ["te with a coding", { headers: { te: "trailers, gzip" } }, /The header te belongs/],
  ["expect", { headers: { expect: "100-continue" } }, /set by the connection/],
  ["a pseudo field", { headers: { ":path": "/b" } }, /not a valid HTTP token/],
  ["a line break in a value", { headers: { a: "b\r\nc: d" } }, /line break/],
  ["two hosts", { headers: { host: "a", Host: "b" } }, /must not be given twice/],
  ["an invalid host", { headers: { host: "a b" } }, /must be a host name/],
  ["a space in the path", { path: "/a b" }, /The path contains/],
  ["CONNECT", { method: "CONNECT" }, /is CONNECT/],
  ["a TRACE with a body", { method: "TRACE", body: "x" }, /TRACE/],
  ["a wrong length", { method: "POST", body: "abc", headers: { "content-length": "2" } }, /2 bytes.*got 3/],
];

for (const [what, request, message] of refused) {
  test(`rejects ${what} as the caller's error`, () => {
    assert.throws(
      () => convert(request),
      (error: Error) => error instanceof UnsendableRequest && message.test(error.message),
    );
  });
}

test("te may name trailers", () => {
  assert.deepEqual(convert({ headers: { te: "Trailers" } }).at(-1), ["te", "trailers"]);
});
