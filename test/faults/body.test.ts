import assert from "node:assert/strict";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import {
  chunked,
  cut,
  drip,
  endlessBody,
  raw,
  respond,
  selfSigned,
  stall,
  type Reply,
  type CodingName,
} from "@holdfast/http/testing";
import { faultOrigin, test } from "./protocol.ts";
import { outcomeOf, scenarios, sessionFor, type Scenario } from "./scenario.ts";

const text = Array.from({ length: 10_000 }, (_, line) => String(line).padStart(9, "0")).join("\n") + "\n";
const whole = respond(200, { body: text });
const incomplete = { code: "ERR_INCOMPLETE_BODY", phase: "body", mayHaveArrived: true } as const;

function always(answer: Reply): Pick<Scenario, "origin"> {
  return { origin: { routes: { "/": answer } } };
}

function once(answer: Reply): Pick<Scenario, "origin"> {
  return { origin: { routes: { "/": [answer, whole] } } };
}

function coded(coding: string, bytes: Uint8Array): Reply {
  return respond(200, { headers: { "content-encoding": coding }, body: bytes });
}

const huge = [...respond(200, { headers: { "content-length": "100000000" } }), { end: "hang" }] as const;

scenarios({
  "body: a Content-Length above maxBytes fails immediately": {
    origin: { routes: { "/": huge } },
    request: { maxBytes: 1_000 },
    timeout: { read: 5_000 },
    expect: { error: { code: "ERR_BODY_TOO_LARGE" }, attempts: 1, elapsed: { max: 2_000 } },
  },
  "body: a Content-Length above maxBytes fails a stream immediately": {
    origin: { routes: { "/": huge } },
    request: { maxBytes: 1_000, stream: true },
    timeout: { read: 5_000 },
    expect: { error: { code: "ERR_BODY_TOO_LARGE" }, attempts: 1, elapsed: { max: 2_000 } },
  },
  "body: a Content-Length above maxBytes does not matter for a HEAD": {
    origin: { routes: { "/": huge } },
    method: "HEAD",
    request: { maxBytes: 1_000 },
    expect: { status: 200, body: "", attempts: 1 },
  },
  "body: a 503 with a Content-Length above maxBytes is retried": {
    origin: {
      routes: {
        "/": [respond(503, { headers: { "content-length": "100000000" } }), respond(200, { body: "ok" })],
      },
    },
    request: { maxBytes: 1_000 },
    expect: { status: 200, body: "ok", attempts: 2 },
  },
  "body.truncated-chunked-detected": {
    ...always([...chunked(200, ["hello ", "world"], { last: false }), { end: "fin" }]),
    expect: { error: incomplete, verdict: "incomplete-body", attempts: 5, elapsed: { max: 2_000 } },
  },
  "body: a chunked body without its last chunk on a closing connection": {
    ...always([
      ...chunked(200, ["hello"], { last: false, headers: { connection: "close" } }),
      { end: "fin" },
    ]),
    expect: { error: incomplete, attempts: 5 },
  },
  "body: a chunked body without its last chunk, then a complete one": {
    ...once([...chunked(200, ["hello"], { last: false }), { end: "fin" }]),
    expect: { status: 200, body: text, attempts: 2 },
  },
  "body: a body below its Content-Length, ended by a FIN": {
    ...always(cut(whole, { atBody: 40_000, by: "fin" })),
    expect: { error: { ...incomplete }, message: /40000 of 100000 bytes/, attempts: 5 },
  },
  "body.reset-retried": {
    ...once(cut(whole, { atBody: 40_000 })),
    expect: { status: 200, body: text, attempts: { min: 2, max: 4 } },
  },
  "body: a reset after the last byte leaves the body complete": {
    ...always([...whole, { wait: 20 }, { end: "rst" }]),
    expect: { status: 200, body: text, attempts: 1 },
  },
  "body.reset-close-delimited": {
    ...always(cut(respond(200, { framing: "close", body: text }), { atBody: 40_000 })),
    expect: { error: incomplete, attempts: 5 },
  },
  "body: a close-delimited body ended by a FIN is complete": {
    ...always(respond(200, { framing: "close", body: text })),
    expect: { status: 200, body: text, attempts: 1 },
  },
  "body: a close-delimited body over TLS without close_notify is incomplete (RFC 9112 §9.8)": {
    origin: {
      tls: selfSigned(),
      routes: {
        "/": cut(respond(200, { framing: "close", body: text }), { atBody: 40_000, by: "bare-fin" }),
      },
    },
    adapter: { tls: { rejectUnauthorized: false } },
    expect: { error: incomplete, attempts: 5 },
  },
  "body: a close-delimited body without close_notify is complete with requireCloseNotify: false": {
    origin: {
      tls: selfSigned(),
      routes: {
        "/": cut(respond(200, { framing: "close", body: text }), { atBody: 40_000, by: "bare-fin" }),
      },
    },
    adapter: { tls: { rejectUnauthorized: false, requireCloseNotify: false } },
    expect: { status: 200, body: text.slice(0, 40_000), attempts: 1 },
  },
  "body: a close-delimited body over TLS with close_notify is complete": {
    origin: { tls: selfSigned(), routes: { "/": respond(200, { framing: "close", body: text }) } },
    adapter: { tls: { rejectUnauthorized: false } },
    expect: { status: 200, body: text, attempts: 1 },
  },
  "body.stall-detected": {
    ...always(stall(whole, { atBody: 40_000 })),
    retry: { total: 1 },
    expect: {
      error: { code: "ERR_READ_TIMEOUT", phase: "body" },
      verdict: "timeout-read",
      attempts: 2,
      elapsed: { min: 600, max: 1_500 },
    },
  },
  "body.slow-drip-over-deadline": {
    ...always(drip(whole, { every: 50, bodyOnly: true })),
    timeout: { total: 1_000 },
    expect: {
      error: { code: "ERR_DEADLINE" },
      verdict: "deadline",
      attempts: { max: 2 },
      elapsed: { min: 950, max: 1_100 },
    },
  },
  "body: the attempt limit ends a dripping body": {
    ...once(drip(whole, { every: 50, bodyOnly: true })),
    timeout: { attempt: 400 },
    expect: { status: 200, body: text, attempts: 2, elapsed: { min: 400, max: 1_500 } },
  },
  "body.slow-but-alive": {
    ...always(drip(respond(200, { body: text.slice(0, 6_000) }), { bytes: 500, every: 120, bodyOnly: true })),
    timeout: { read: 400 },
    expect: { status: 200, body: text.slice(0, 6_000), attempts: 1, elapsed: { min: 1_200 } },
  },
  "body.gzip-ok": {
    origin: {
      routes: {
        "/": [
          respond(503, { coding: "gzip", body: "later\n" }),
          respond(200, { coding: "gzip", body: text }),
        ],
      },
    },
    expect: { status: 200, body: text, attempts: 2 },
  },
  "body.gzip-truncated": {
    ...always(respond(200, { coding: "gzip", body: text, codedBytes: 5_000 })),
    expect: { error: incomplete, attempts: 5 },
  },
  "body.encoding-lies": {
    ...always(coded("gzip", Buffer.from(text))),
    expect: { outcome: "either", body: text, error: { code: "ERR_DECODE" } },
  },
  "body: gzip with a wrong checksum": {
    ...always(coded("gzip", withByte(gzipSync(text), -8))),
    expect: { error: { code: "ERR_DECODE" }, verdict: "decode", attempts: 5 },
  },
  "body: gzip with a wrong length in its trailer": {
    ...always(coded("gzip", withByte(gzipSync(text), -2))),
    expect: { error: { code: "ERR_DECODE" } },
  },
  "body: gzip in several members": {
    ...always(coded("gzip", Buffer.concat([gzipSync(text.slice(0, 999)), gzipSync(text.slice(999))]))),
    expect: { status: 200, body: text },
  },
  "body: a truncated second member of gzip": {
    ...always(coded("gzip", Buffer.concat([gzipSync(text), gzipSync(text).subarray(0, 9)]))),
    expect: { error: incomplete },
  },
  "body: zeros after a gzip are padding": {
    ...always(coded("gzip", Buffer.concat([gzipSync(text), Buffer.alloc(512)]))),
    expect: { status: 200, body: text },
  },
  "body: bytes after a gzip that begin no other member are ignored": {
    ...always(coded("gzip", Buffer.concat([gzipSync(text), Buffer.from("<!-- cached -->")]))),
    expect: { status: 200, body: text },
  },
  "body: zstd in several frames": {
    ...always(
      coded("zstd", Buffer.concat([zstdCompressSync(text.slice(0, 999)), zstdCompressSync(text.slice(999))])),
    ),
    expect: { status: 200, body: text },
  },
  "body: a truncated second frame of zstd": {
    ...always(coded("zstd", Buffer.concat([zstdCompressSync(text), zstdCompressSync(text).subarray(0, 3)]))),
    expect: { error: incomplete },
  },
  "body: deflate in the zlib format": {
    ...always(coded("deflate", deflateSync(text))),
    expect: { status: 200, body: text },
  },
  "body: deflate without the zlib format": {
    ...always(coded("deflate", deflateRawSync(text))),
    expect: { status: 200, body: text },
  },
  "body: brotli": { ...always(coded("br", brotliCompressSync(text))), expect: { status: 200, body: text } },
  "body: two codings": {
    ...always(coded("gzip, br", brotliCompressSync(gzipSync(text)))),
    expect: { status: 200, body: text },
  },
  "body: a long chain of codings is rejected": {
    ...always(coded(Array.from({ length: 50 }, () => "gzip").join(", "), gzipSync(text))),
    expect: { error: { code: "ERR_DECODE" } },
  },
  "body: an encoded response of length zero is empty": {
    ...always(respond(200, { headers: { "content-encoding": "gzip" } })),
    expect: { status: 200, body: "", attempts: 1 },
  },
  "body: an encoded response that ends before its first byte": {
    ...always([
      ...respond(200, { headers: { "content-encoding": "gzip", connection: "close" }, framing: "none" }),
      { end: "fin" },
    ]),
    expect: { error: incomplete },
  },
  "body.chunk-extensions-trailers": {
    ...always(
      chunked(
        200,
        [
          { chunk: "hello ", extension: ";a=b" },
          { chunk: "world", extension: ';c="d;e"' },
        ],
        { trailers: { "x-sum": "1" } },
      ),
    ),
    expect: { status: 200, body: "hello world", attempts: 1 },
  },
  "body.chunked-bad-size": {
    ...always([...chunked(200, [{ chunk: "hello", size: "xyz" }]), { end: "fin" }]),
    expect: { error: { code: "ERR_PROTOCOL", phase: "body" } },
  },
  "body: a chunk size has more than 64 bits": {
    ...always([...chunked(200, [{ chunk: "hello", size: "fffffffffffffffff" }]), { end: "fin" }]),
    expect: { error: { code: "ERR_PROTOCOL" } },
  },
  "body: a huge chunk that never arrives": {
    ...always([...chunked(200, [{ chunk: "hello", size: "7fffffffffffffff" }]), { end: "fin" }]),
    expect: { error: incomplete, attempts: 5 },
  },
  "body: a chunk longer than its size": {
    ...always([...chunked(200, [{ chunk: "hello", size: "3" }]), { end: "fin" }]),
    expect: { error: { code: "ERR_PROTOCOL" } },
  },
  "body: endless chunk extensions": {
    ...always([
      { send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" },
      { repeat: "x".repeat(10_000) },
    ]),
    retry: { total: 0 },
    expect: { outcome: "error", elapsed: { max: 2_000 } },
  },
  "body: endless trailers": {
    ...always([
      { send: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" },
      { repeat: `X-T: ${"x".repeat(1_000)}\r\n` },
    ]),
    retry: { total: 0 },
    expect: { outcome: "error", elapsed: { max: 2_000 } },
  },
  "body.max-size": {
    ...always(endlessBody()),
    request: { maxBytes: 100_000 },
    expect: {
      error: { code: "ERR_BODY_TOO_LARGE" },
      verdict: "too-large",
      attempts: 1,
      elapsed: { max: 1_500 },
    },
  },
  "body: a small body that decodes to a large one": {
    ...always(coded("gzip", gzipSync(Buffer.alloc(5_000_000)))),
    request: { maxBytes: 100_000 },
    expect: { error: { code: "ERR_BODY_TOO_LARGE" }, attempts: 1 },
  },
  "body: bytes after a body of known length are dropped": {
    ...always(raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world", "keep-alive")),
    expect: { status: 200, body: "hello", attempts: 1 },
  },
});

function withByte(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  const index = bytes.length + at;
  changed[index] = (changed[index] ?? 0) ^ 0xff;
  return changed;
}

test("body: a FIN at any byte of a chunked body, except after the last, is an incomplete body", async () => {
  const wire = "4;x=y\r\nbody\r\n3\r\nend\r\n0\r\nX-T: u\r\n\r\n";
  for (const connection of ["keep-alive", "close"]) {
    const head = `HTTP/1.1 200 OK\r\nConnection: ${connection}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answers = Array.from({ length: wire.length + 1 }, (_, at) => raw(head + wire.slice(0, at)));
    await using origin = await faultOrigin({ routes: { "/": answers } });
    await using session = await sessionFor({ retry: { total: 0 } });

    for (let at = 0; at <= wire.length; at += 1) {
      const { response, error } = await outcomeOf(session.get(`${origin.url}/`));

      if (at === wire.length) assert.equal(await response?.text(), "bodyend");
      else
        assert.equal(
          Reflect.get(error ?? {}, "code"),
          "ERR_INCOMPLETE_BODY",
          `after ${at} bytes of a body of ${connection}`,
        );
    }
  }
});

for (const coding of ["gzip", "deflate", "br", "zstd"] satisfies CodingName[]) {
  test(`body: ${coding} cut at every byte is an incomplete body`, async () => {
    const body = "hello, hello, hello";
    const length = Number(respond(200, { coding, body }).findLast((step) => "send" in step)?.send.length);
    const answers = Array.from({ length: length + 1 }, (_, codedBytes) =>
      respond(200, { coding, body, codedBytes }),
    );
    const closing = answers.map((_, codedBytes) =>
      respond(200, { coding, body, codedBytes, framing: "close" }),
    );
    await using origin = await faultOrigin({ routes: { "/length": answers, "/close": closing } });
    await using session = await sessionFor({ retry: { total: 0 } });

    for (const path of ["/length", "/close"]) {
      for (let at = 0; at <= length; at += 1) {
        const { response, error } = await outcomeOf(session.get(origin.url + path));
        // A Content-Length of 0 means that there is no body to decode.
        if (at === 0 && path === "/length") assert.equal(response?.content.byteLength, 0);
        else if (at === length) assert.equal(await response?.text(), body);
        else
          assert.equal(Reflect.get(error ?? {}, "code"), "ERR_INCOMPLETE_BODY", `${path} after ${at} bytes`);
      }
    }
  });
}
