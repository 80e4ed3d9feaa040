import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { connectRequest, connectReplyParser } from "./http-connect-codec.ts";

test("writes a CONNECT request with and without credentials", () => {
  assert.equal(
    connectRequest("a.test:443", "Basic YQ=="),
    "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nProxy-Authorization: Basic YQ==\r\n\r\n",
  );
  assert.equal(
    connectRequest("[::1]:443", undefined),
    "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
  );
});

const understood: readonly (readonly [what: string, head: string, status: number, statusText: string])[] = [
  ["a 200", "HTTP/1.1 200 Connection established\r\n\r\n", 200, "Connection established"],
  ["a 200 of HTTP/1.0", "HTTP/1.0 200 OK\r\nProxy-agent: x\r\n\r\n", 200, "OK"],
  ["a 200 without a reason", "HTTP/1.1 200\r\n\r\n", 200, ""],
  ["a 200 with an empty reason", "HTTP/1.1 200 \r\n\r\n", 200, ""],
  [
    "a 200 with a Content-Length, which has no meaning",
    "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
    200,
    "OK",
  ],
  ["a 200 with lone line feeds", "HTTP/1.1 200 OK\nA: b\n\n", 200, "OK"],
  ["a 200 after an interim response", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200, "OK"],
  ["a 407", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", 407, "Proxy Authentication Required"],
];

for (const [what, head, status, statusText] of understood) {
  test(`parses ${what} in any pieces and leaves the bytes after it`, () => {
    const bytes = Buffer.from(`${head}\x16\x03tunnel`);

    for (let cut = 0; cut < head.length; cut += 1)
      assert.deepEqual(
        connectReplyParser()(bytes.subarray(0, cut)),
        { state: "incomplete" },
        `after ${cut} bytes`,
      );
    const parsed = connectReplyParser()(bytes);

    assert.ok(parsed.state === "complete");
    assert.deepEqual([parsed.value.status, parsed.value.statusText], [status, statusText]);
    assert.equal(parsed.length, head.length);
  });
}

test("continues where it stopped when a reply arrives byte by byte", () => {
  const head = Buffer.from(
    `HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX-Long: ${"x".repeat(16_000)}\r\n\r\n`,
  );
  const parse = connectReplyParser();

  for (let at = 0; at < head.length - 1; at += 1)
    assert.deepEqual(parse(head.subarray(at, at + 1)), { state: "incomplete" });
  const parsed = parse(Buffer.concat([head.subarray(-1), Buffer.from("tunnel")]));

  assert.ok(parsed.state === "complete");
  assert.deepEqual([parsed.value.status, parsed.length], [200, 1]);
});

test("returns the fields of a refusal with names in lower case", () => {
  const parsed = connectReplyParser()(
    Buffer.from("HTTP/1.1 429 Slow Down\r\nRETRY-AFTER:  7 \r\nX-Squid-Error: ERR_X 0\r\n\r\n"),
  );

  assert.ok(parsed.state === "complete");
  assert.deepEqual(parsed.value.headers, { "retry-after": "7", "x-squid-error": "ERR_X 0" });
});

const refused: readonly (readonly [what: string, bytes: Buffer])[] = [
  ["SOCKS", Buffer.from([5, 0])],
  ["a banner of another protocol", Buffer.from("SSH-2.0-OpenSSH_9.6\r\n")],
  ["TLS", Buffer.from([0x15, 3, 1, 0, 2, 2, 70])],
  ["HTTP/2", Buffer.from("HTTP/2 200\r\n\r\n")],
  ["a status that is not a number", Buffer.from("HTTP/1.1 2OO OK\r\n\r\n")],
  ["a status below 100", Buffer.from("HTTP/1.1 099 No\r\n\r\n")],
  ["101 Switching Protocols", Buffer.from("HTTP/1.1 101 Switching Protocols\r\n\r\n")],
  ["a head without an end", Buffer.from(`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(5_000)}`)],
  ["endless interim responses", Buffer.from("HTTP/1.1 100\r\n\r\n".repeat(5_000))],
];

for (const [what, bytes] of refused) {
  test(`rejects ${what} as a reply`, () => {
    assert.equal(connectReplyParser()(bytes).state, "invalid");
  });
}

test("garbage never throws, and no result exceeds the input", () => {
  const line = fc.oneof(
    fc.constantFrom("HTTP/1.1 200 OK", "HTTP/1.1 100", "HTTP/1.", "", "a: b", ":", "\0"),
    fc.string(),
  );
  const lines = fc.array(line).map((parts) => parts.join("\r\n"));
  fc.assert(
    fc.property(lines, (text) => {
      const parsed = connectReplyParser()(Buffer.from(text));
      if (parsed.state === "complete") assert.ok(parsed.length <= Buffer.byteLength(text));
    }),
  );
});
