import assert from "node:assert/strict";
import { test } from "node:test";
import { MalformedResponse } from "../errors/malformed-response.ts";
import { bodyLength, parseIdleLimit, chunkedLength, isPersistent, untilClose } from "./framing.ts";
import { HeadReader } from "../wire/head-reader.ts";
import type { ParsedHead } from "../wire/head.ts";

function readHead(text: string): ParsedHead {
  const reader = new HeadReader({ maxKibibytes: 256, strict: false });
  const bytes = Buffer.from(text, "latin1");
  assert.equal(reader.read(bytes, 0, bytes.length), bytes.length);
  return reader.head();
}

/** Parses the short form of a head: `200 1.0 Content-Length: 5 | Connection: close`. */
function headOf(short: string): ParsedHead {
  const [, status, version = "1.1", fields = ""] = /^(\d+)(?: (1\.\d))?(?: (.*))?$/.exec(short) ?? [];
  return readHead(
    `HTTP/${version} ${status} X\r\n${fields.replaceAll(" | ", "\r\n")}${fields && "\r\n"}\r\n`,
  );
}

const rows: readonly (readonly [short: string, length: number, persists: boolean, method?: string])[] = [
  ["200 Content-Length: 5", 5, true],
  ["200 Content-Length: 0", 0, true],
  ["200 Content-Length: 5 | Content-Length: 5", 5, false],
  ["200 Content-Length: 5, 5 ,5", 5, false],
  ["200 Content-Length: 5, 5 | Content-Length: 5", 5, false],
  ["200 Content-Length: 5,", 5, false],
  ["200 Content-Length: , 5", 5, false],
  ["200 1.9 Content-Length: 5", 5, true],
  ["200 Content-Length: 5 | Connection: close", 5, false],
  ["200 Content-Length: 5 | Connection: x, Close", 5, false],
  ["200 Content-Length: 5 | Connection: keep-alive | Connection: close", 5, false],
  ["200 Content-Length: 5 | Connection: closed", 5, true],
  ["200 Content-Length: 5 | Connection: keep-alive", 5, true],
  ["200 1.0 Content-Length: 5", 5, false],
  ["200 1.0 Content-Length: 5 | Connection: Keep-Alive", 5, true],
  ["200 Transfer-Encoding: chunked", chunkedLength, true],
  ["200 Transfer-Encoding: Chunked", chunkedLength, true],
  ["200 Transfer-Encoding: chunked, chunked", chunkedLength, false],
  ["200 Transfer-Encoding: chunked | Transfer-Encoding: Chunked", chunkedLength, false],
  ["200 Transfer-Encoding: , chunked ,", chunkedLength, false],
  ["200 Transfer-Encoding: identity, chunked", chunkedLength, false],
  ["200 Transfer-Encoding: identity", untilClose, false],
  ["200 Transfer-Encoding: Identity | Content-Length: 5", 5, false],
  ["200 Transfer-Encoding: chunked | Content-Length: 5", chunkedLength, false],
  ["200 1.0 Content-Length: 5 | Connection: keep-alive, close", 5, false],
  ["200 1.0 Content-Length: 5 | Connection: , keep-alive", 5, true],
  ["200 1.0 Transfer-Encoding: chunked | Connection: keep-alive", chunkedLength, false],
  ["200", untilClose, false],
  ["200 Connection: keep-alive", untilClose, false],
  ["204", 0, true],
  ["304", 0, true],
  ["204 Content-Length: 0", 0, true],
  ["204 Content-Length: 5", 0, false],
  ["304 Content-Length: 5", 0, true],
  ["304 1.0 Content-Length: 5 | Connection: keep-alive", 0, false],
  ["304 1.0 Connection: keep-alive", 0, true],
  ["304 Content-Length: x", 0, false],
  ["304 Transfer-Encoding: chunked", 0, false],
  ["204 Connection: close", 0, false],
  ["200 Content-Length: 5", 0, true, "HEAD"],
  ["200", 0, true, "HEAD"],
  ["200 Transfer-Encoding: chunked", 0, true, "HEAD"],
  ["200 1.0 Content-Length: 5 | Connection: keep-alive", 0, false, "HEAD"],
  ["200 Content-Length: banana", 0, false, "HEAD"],
  ["200 Content-Length: 5 | Content-Length: 5", 0, false, "HEAD"],
  ["200 Transfer-Encoding: gzip", 0, false, "HEAD"],
  ["200 Content-Length: 5 | A : b", 5, false],
  ["205 Content-Length: 0", 0, true],
  ["503 Content-Length: 5", 5, true],
];

for (const [short, length, again, method = "GET"] of rows) {
  test(`${short} in response to ${method} has body length ${length} and ${again ? "keeps" : "ends"} the connection`, () => {
    const head = headOf(short);

    assert.deepEqual([bodyLength(head, method), isPersistent(head, method)], [length, again]);
  });
}

const malformed = [
  "",
  "banana",
  "-5",
  "+5",
  "5.0",
  "0x5",
  "5e1",
  "5 5",
  "5, 6",
  ",",
  "5\u00a0",
  "\u00a05",
  "5\u3000",
  "5, 05",
  "5;",
  "99999999999999999999",
  "٥",
  "5\r\nContent-Length: 6",
  "x\r\nTransfer-Encoding: chunked",
  "5\r\nContent-Length: 6\r\nTransfer-Encoding: chunked",
].map((length) => `Content-Length: ${length}`);
const uncoded = [
  "gzip",
  "chunked, identity",
  "chunked, identity, chunked",
  "gzip, chunked",
  "chunked, gzip",
  "chunked\u00a0",
  ",",
  "xchunked",
  "chunked;q=1",
  "",
];

for (const fields of [...malformed, ...uncoded.map((coding) => `Transfer-Encoding: ${coding}`)]) {
  test(`rejects the framing ${JSON.stringify(fields)}`, () => {
    const head = readHead(Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`).toString("latin1"));

    assert.throws(() => bodyLength(head, "GET"), MalformedResponse);
  });
}

test("the idle limit is two seconds below the server's and at most ten minutes", () => {
  const limits = [
    "timeout=5",
    "timeout=5, max=100",
    "max=1, TIMEOUT=3",
    "timeout=1",
    "timeout=999999",
    "max=5",
    "timeout=x",
    "timeout=5, max=0",
    "timeout=0",
    "timeout=5, max=00",
    "timeout=5, max=01",
  ];

  assert.deepEqual(
    limits.map((hint) => parseIdleLimit(headOf(`200 Keep-Alive: ${hint}`))),
    [3_000, 3_000, 1_000, -1_000, 600_000, undefined, undefined, 0, -2_000, 0, 3_000],
  );
  assert.equal(parseIdleLimit(headOf("200")), undefined);
});
