import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import type { OutgoingRequest } from "../wire/protocol.ts";
import { UnsendableRequest } from "../errors/unsendable-request.ts";
import { serializeRequest } from "./serialize-request.ts";

const get: OutgoingRequest = { method: "GET", path: "/", headers: {} };

function written(request: Partial<OutgoingRequest>): string {
  const { head, bytes } = serializeRequest({ ...get, ...request }, "h:1");
  return head.replaceAll("\r\n", "\n") + Buffer.from(bytes).toString();
}

const rows: readonly (readonly [what: string, request: Partial<OutgoingRequest>, text: string])[] = [
  ["a GET", { path: "/a?b" }, "GET /a?b HTTP/1.1\nhost: h:1\nconnection: keep-alive\n\n"],
  [
    "headers unchanged",
    { headers: { "X-A": "b", c: ["d", "e"] } },
    "GET / HTTP/1.1\nhost: h:1\nconnection: keep-alive\nX-A: b\nc: d\nc: e\n\n",
  ],
  [
    "a Host header of the caller",
    { headers: { Host: "other" } },
    "GET / HTTP/1.1\nhost: other\nconnection: keep-alive\n\n",
  ],
  [
    "the last request of a connection",
    { headers: { connection: "x, Close" } },
    "GET / HTTP/1.1\nhost: h:1\nconnection: close, x\n\n",
  ],
  [
    "options of the connection, each once",
    { headers: { connection: "Keep-Alive, x", Connection: "Y,X" } },
    "GET / HTTP/1.1\nhost: h:1\nconnection: keep-alive, x, Y\n\n",
  ],
  [
    "a TE header, which Connection names",
    { headers: { te: "trailers" } },
    "GET / HTTP/1.1\nhost: h:1\nconnection: keep-alive, TE\nte: trailers\n\n",
  ],
  [
    "a TE header that the caller's Connection names",
    { headers: { connection: "close, te", TE: "trailers" } },
    "GET / HTTP/1.1\nhost: h:1\nconnection: close, te\nTE: trailers\n\n",
  ],
  [
    "several cookies as one line",
    { headers: { cookie: ["a=1", "b=2"], Cookie: "c=3", d: "e" } },
    "GET / HTTP/1.1\nhost: h:1\nconnection: keep-alive\nd: e\ncookie: a=1; b=2; c=3\n\n",
  ],
  ["a HEAD", { method: "HEAD" }, "HEAD / HTTP/1.1\nhost: h:1\nconnection: keep-alive\n\n"],
  [
    "an IPv6 address as the host",
    { headers: { host: "[::1]:8080" } },
    "GET / HTTP/1.1\nhost: [::1]:8080\nconnection: keep-alive\n\n",
  ],
  ["a TRACE", { method: "TRACE", body: "" }, "TRACE / HTTP/1.1\nhost: h:1\nconnection: keep-alive\n\n"],
  [
    "a POST of text",
    { method: "POST", body: "\u00e9!" },
    "POST / HTTP/1.1\nhost: h:1\nconnection: keep-alive\ncontent-length: 3\n\n\u00e9!",
  ],
  [
    "a PUT of bytes",
    { method: "PUT", body: new Uint8Array([104, 105]) },
    "PUT / HTTP/1.1\nhost: h:1\nconnection: keep-alive\ncontent-length: 2\n\nhi",
  ],
  [
    "a POST without a body",
    { method: "POST" },
    "POST / HTTP/1.1\nhost: h:1\nconnection: keep-alive\ncontent-length: 0\n\n",
  ],
  [
    "a POST with an empty body",
    { method: "POST", body: "" },
    "POST / HTTP/1.1\nhost: h:1\nconnection: keep-alive\ncontent-length: 0\n\n",
  ],
  ["a DELETE", { method: "DELETE", body: null }, "DELETE / HTTP/1.1\nhost: h:1\nconnection: keep-alive\n\n"],
  [
    "a DELETE with a body",
    { method: "DELETE", body: "x" },
    "DELETE / HTTP/1.1\nhost: h:1\nconnection: keep-alive\ncontent-length: 1\n\nx",
  ],
  [
    "a correct Content-Length",
    { method: "POST", body: "abc", headers: { "Content-Length": "3" } },
    "POST / HTTP/1.1\nhost: h:1\nconnection: keep-alive\ncontent-length: 3\n\nabc",
  ],
  [
    "a GET with a Content-Length of 0",
    { headers: { "content-length": "0" } },
    "GET / HTTP/1.1\nhost: h:1\nconnection: keep-alive\n\n",
  ],
  [
    "a full URL for a proxy",
    { path: "http://h/a" },
    "GET http://h/a HTTP/1.1\nhost: h:1\nconnection: keep-alive\n\n",
  ],
];

for (const [what, request, text] of rows) {
  test(`serializes ${what}`, () => {
    assert.equal(written(request), text);
  });
}

test("reports a body of a method that usually has none", () => {
  const unusual = (request: Partial<OutgoingRequest>): boolean =>
    serializeRequest({ ...get, ...request }, "h").hasUnusualBody;

  assert.deepEqual(
    [
      unusual({ method: "DELETE", body: "x" }),
      unusual({ method: "GET", body: Readable.from([]) }),
      unusual({ method: "DELETE" }),
      unusual({ method: "GET", body: "" }),
      unusual({ method: "POST", body: "x" }),
    ],
    [true, true, false, false, false],
  );
});

test("the head of a body in pieces has no framing lines", () => {
  const body = Readable.from([]);
  const {
    head,
    bodyPieces: pieces,
    length,
  } = serializeRequest({ ...get, method: "POST", body, headers: { "content-length": "7" } }, "h");

  assert.deepEqual([pieces, length], [body, 7]);
  assert.equal(head, "POST / HTTP/1.1\r\nhost: h\r\nconnection: keep-alive\r\n");
});

const unsendable: readonly (readonly [what: string, request: Partial<OutgoingRequest>])[] = [
  ["a line break in a value", { headers: { a: "b\r\nc: d" } }],
  ["a CR in a value", { headers: { a: "b\rc" } }],
  ["an LF in one of several values", { headers: { a: ["b", "c\nd: e"] } }],
  ["a NUL in a value", { headers: { a: "\0" } }],
  ["a character beyond latin1 in a value", { headers: { a: "\u010d" } }],
  ["a line break in a name", { headers: { "a\r\nb": "c" } }],
  ["white space in a name", { headers: { "a b": "c" } }],
  ["a colon in a name", { headers: { "a:": "c" } }],
  ["an empty name", { headers: { "": "c" } }],
  ["a line break in a path", { path: "/ HTTP/1.1\r\nHost: x\r\n\r\n" }],
  ["white space in a path", { path: "/a b" }],
  ["a line break in a method", { method: "GET / HTTP/1.1\r\nA: b\r\n\r\nGET" }],
  ["a CONNECT", { method: "CONNECT" }],
  ["a host with a line break", { headers: { host: "a\r\nb: c" } }],
  ["an empty host", { headers: { host: "" } }],
  ["a host with white space", { headers: { host: "a b" } }],
  ["a host with a path", { headers: { host: "a/b" } }],
  ["a host with credentials", { headers: { host: "user@a" } }],
  ["a host with a port that is not a number", { headers: { host: "a:b" } }],
  ["a host with an invalid escape", { headers: { host: "a%zz" } }],
  ["an IPv6 host without brackets", { headers: { host: "::1" } }],
  ["a list of hosts", { headers: { host: "a, b" } }],
  ["a TRACE with a body", { method: "TRACE", body: "x" }],
  ["a TRACE with a stream", { method: "TRACE", body: Readable.from([]) }],
  ["two hosts", { headers: { host: "a", Host: "b" } }],
  ["two lengths", { headers: { "content-length": ["1", "2"] } }],
  ["a length that is not a number", { headers: { "content-length": "+1" } }],
  ["a length above that of the body", { method: "POST", body: "abc", headers: { "content-length": "4" } }],
  ["a length below that of the body", { method: "POST", body: "abc", headers: { "content-length": "2" } }],
  ["a length without a body", { method: "POST", headers: { "content-length": "2" } }],
  ["a Transfer-Encoding header", { headers: { "Transfer-Encoding": "chunked" } }],
  ["an Expect header", { headers: { expect: "100-continue" } }],
  ["an Upgrade header", { headers: { upgrade: "h2c" } }],
  ["a Connection header that is not a list", { headers: { connection: "a b" } }],
];

for (const [what, request] of unsendable) {
  test(`rejects ${what}`, () => {
    assert.throws(() => written(request), UnsendableRequest);
  });
}

test("frozen headers are serialized once, others each time", () => {
  const frozen = Object.freeze({ a: "b" });
  const open: Record<string, string> = { a: "b" };
  const list = Object.freeze({ a: ["b"] });

  const before = [frozen, open, list].map((headers) => written({ headers }));
  open["a"] = "c";
  list.a.push("d");
  const after = [frozen, open, list].map((headers) => written({ headers }));

  assert.equal(before[0], after[0]);
  assert.match(after[1] ?? "", /\na: c\n/);
  assert.match(after[2] ?? "", /\na: b\na: d\n/);
});

test("no header adds a line to a request", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, value) => {
      let text = "";
      try {
        text = written({ headers: { [name]: value } });
      } catch (error) {
        assert.ok(error instanceof UnsendableRequest);
        return;
      }
      assert.ok(text.split("\n").length <= 6);
      assert.doesNotMatch(text, /[\0\r]/);
    }),
    { numRuns: 500 },
  );
});
