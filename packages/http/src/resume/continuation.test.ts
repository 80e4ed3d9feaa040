import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseHeaders } from "../model/headers.ts";
import type { HttpRequest } from "../model/request.ts";
import {
  toPartialRepresentation,
  evaluateReply,
  canRequestRest,
  rangeHeaders,
  type PartialRepresentation,
} from "./continuation.ts";

const url = "http://example.test/file?v=1";

type Headers = Readonly<Record<string, string | readonly string[]>>;

function hold(headers: Headers, status = 200, offset = 80): PartialRepresentation | undefined {
  return toPartialRepresentation({ status, headers: new ResponseHeaders(headers) }, url, offset);
}

function held(total: number | "unknown" = 200): PartialRepresentation {
  const made = hold(total === "unknown" ? { etag: '"a"' } : { etag: '"a"', "content-length": String(total) });
  assert.ok(made !== undefined);
  return made;
}

function request(changes: Partial<HttpRequest> = {}): HttpRequest {
  return { method: "GET", url: new URL(url), headers: {}, body: { kind: "none" }, ...changes };
}

test("only an unfinished plain 200 with a strong validator allows a range request", () => {
  const table: readonly (readonly [ReturnType<typeof hold>, boolean])[] = [
    [hold({ etag: '"a"' }), true],
    [hold({ etag: '"a"', "content-length": "200" }), true],
    [hold({ etag: '"a"', "content-length": "80" }), false],
    [hold({ etag: '"a"', "content-length": "79" }), false],
    [hold({ etag: '"a"', "content-encoding": "identity" }), true],
    [hold({ etag: '"a"', "content-encoding": "gzip" }), false],
    [hold({ etag: '"a"', "accept-ranges": "bytes" }), true],
    [hold({ etag: '"a"', "accept-ranges": "none" }), false],
    [hold({ etag: 'W/"a"' }), false],
    [hold({}), false],
    [hold({ etag: '"a"' }, 206), false],
    [hold({ etag: '"a"' }, 203), false],
    [hold({ etag: '"a"' }, 503), false],
  ];
  for (const [index, [made, expected]] of table.entries())
    assert.equal(made !== undefined, expected, `row ${index}`);
});

test("only a GET of the same resource without body or conditions becomes a range request", () => {
  const table: readonly (readonly [HttpRequest, boolean])[] = [
    [request(), true],
    [request({ url: new URL(`${url}#part`) }), true],
    [request({ url: new URL("http://example.test/file?v=2") }), false],
    [request({ url: new URL("https://example.test/file?v=1") }), false],
    [request({ method: "POST" }), false],
    [request({ method: "HEAD" }), false],
    [request({ body: { kind: "bytes", bytes: "x" } }), false],
    [request({ headers: { range: "bytes=0-" } }), false],
    [request({ headers: { "if-none-match": '"a"' } }), false],
    [request({ headers: { "if-modified-since": "x" } }), false],
  ];
  for (const [index, [request, expected]] of table.entries())
    assert.equal(canRequestRest(request, held()), expected, `row ${index}`);
});

test("a range request has If-Range, so that only the same representation continues", () => {
  assert.deepEqual(rangeHeaders(held()), { range: "bytes=80-", "if-range": '"a"' });
});

test("a response continues the body only if range, length, coding and validator match", () => {
  const good = { etag: '"a"', "content-range": "bytes 80-199/200" };
  const append = "append";
  const table: readonly (readonly [number, Headers, string, PartialRepresentation?])[] = [
    [206, good, append],
    [206, { ...good, "content-length": "120" }, append],
    [206, { ...good, "content-length": "120", "transfer-encoding": "chunked" }, append],
    [206, good, append, held("unknown")],
    [206, { ...good, "content-length": "119" }, "restart"],
    [206, { ...good, etag: '"b"' }, "restart"],
    [206, { ...good, etag: 'W/"a"' }, "restart"],
    [206, { "content-range": "bytes 80-199/200" }, "restart"],
    [206, { etag: '"a"' }, "restart"],
    [206, { ...good, "content-range": ["bytes 80-199/200", "bytes 80-199/200"] }, "restart"],
    [206, { ...good, "content-range": "bytes 79-199/200" }, "restart"],
    [206, { ...good, "content-range": "bytes 81-199/200" }, "restart"],
    [206, { ...good, "content-range": "bytes 80-198/200" }, "restart"],
    [206, { ...good, "content-range": "bytes 80-199/*" }, "restart"],
    [206, { ...good, "content-range": "bytes 80-199/*" }, "restart", held("unknown")],
    [206, { ...good, "content-range": "bytes 80-200/201" }, "restart"],
    [206, { ...good, "content-range": "bytes 80-200/201" }, append, held("unknown")],
    [206, { ...good, "content-range": "bytes */200" }, "restart"],
    [206, { ...good, "content-encoding": "gzip" }, "restart"],
    [206, { etag: '"a"', "content-type": "multipart/byteranges; boundary=x" }, "restart"],
    [200, {}, "replace"],
    [200, good, "restart"],
    [200, { etag: '"b"', "content-range": "bytes 80-199/200" }, "restart"],
    [200, { etag: '"a"', "content-range": "bytes 0-199/200" }, "replace"],
    [200, { etag: '"a"', "content-length": "200" }, "replace"],
    [200, { etag: '"a"', "content-length": "120" }, "restart"],
    [200, { etag: '"a"', "content-length": "120" }, "replace", held("unknown")],
    [200, { etag: '"a"', "content-length": "120", "content-encoding": "gzip" }, "replace"],
    [200, { etag: '"b"', "content-length": "120" }, "replace"],
    [204, { etag: '"a"' }, "restart"],
    [205, {}, "restart"],
    [304, { etag: '"a"' }, "restart"],
    [412, {}, "restart"],
    [416, { "content-range": "bytes */70" }, "restart"],
    [416, { etag: '"a"', "content-range": "bytes */80" }, "restart"],
    [416, { etag: '"a"', "content-range": "bytes */80" }, "complete", held("unknown")],
    [416, { "content-range": "bytes */80" }, "restart", held("unknown")],
    [416, { etag: '"b"', "content-range": "bytes */80" }, "restart", held("unknown")],
    [416, { etag: '"a"' }, "restart", held("unknown")],
    [416, { etag: '"a"', "content-range": "bytes 80-80/80" }, "restart", held("unknown")],
    [503, good, "pass"],
    [404, {}, "pass"],
    [302, {}, "pass"],
    [401, {}, "pass"],
  ];
  for (const [status, headers, expected, of = held()] of table) {
    const { means } = evaluateReply(of, { status, headers: new ResponseHeaders(headers) });
    assert.equal(means, expected, `${status} ${JSON.stringify(headers)} after ${String(of.total)}`);
  }
});

test("the number of bytes to append excludes the bytes already received", () => {
  const head = new ResponseHeaders({ etag: '"a"', "content-range": "bytes 80-199/200" });

  assert.deepEqual(evaluateReply(held(), { status: 206, headers: head }), {
    means: "append",
    length: 120,
    total: 200,
  });
});
