import assert from "node:assert/strict";
import { get } from "node:http";
import { connect } from "node:net";
import { suite, test } from "node:test";
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import type { Reply } from "../index.ts";
import {
  chunked,
  close,
  cut,
  drip,
  endlessBody,
  endlessHead,
  faultOrigin,
  informational,
  keepAliveHint,
  raw,
  redirect,
  reset,
  respond,
  silence,
  stall,
  switchProtocols,
} from "../index.ts";
import type { Seen } from "../wire/wire-client.ts";
import { exchangeOnce } from "../wire/wire-client.ts";

interface Case {
  readonly reply: Reply;
  readonly text: string;
  readonly end: Seen;
}

const ok = respond(200, { body: "hello" });
const okText = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

const cases: Readonly<Record<string, Case>> = {
  "respond frames a body by its length": { reply: ok, text: okText, end: "open" },
  "respond without a body sends no Content-Type": {
    reply: respond(503, { headers: { "retry-after": 1 } }),
    text: "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
    end: "open",
  },
  "respond sends no framing with a status without a body": {
    reply: respond(204),
    text: "HTTP/1.1 204 No Content\r\n\r\n",
    end: "open",
  },
  "respond repeats a header for each value and sends raw lines as they are": {
    reply: respond(200, {
      headers: [["set-cookie", "a=1"], "Set-Cookie: b=2", "folded: a\r\n b", "no colon"],
    }),
    text: "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nfolded: a\r\n b\r\nno colon\r\ncontent-length: 0\r\n\r\n",
    end: "open",
  },
  "respond makes a line of each value of a list": {
    reply: respond(200, { headers: { "retry-after": ["1", "2"] } }),
    text: "HTTP/1.1 200 OK\r\nretry-after: 1\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n",
    end: "open",
  },
  "respond keeps a wrong Content-Length": {
    reply: respond(200, { headers: { "content-length": "999" }, body: "hello" }),
    text: "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\nhello",
    end: "open",
  },
  "respond keeps two lengths that differ": {
    reply: respond(200, { headers: ["Content-Length: 5", "Content-Length: 4"], body: "hello" }),
    text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello",
    end: "open",
  },
  "respond omits the framing on request": {
    reply: respond(200, { body: "hello", framing: "none" }),
    text: "HTTP/1.1 200 OK\r\n\r\nhello",
    end: "open",
  },
  "respond ends a close-delimited body with a FIN": {
    reply: respond(200, { body: "hello", framing: "close", version: "1.0", reason: "Fine" }),
    text: "HTTP/1.0 200 Fine\r\nconnection: close\r\n\r\nhello",
    end: "fin",
  },
  "respond closes after a reply with Connection: close": {
    reply: respond(200, { headers: { connection: "close" }, body: "hello" }),
    text: "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
    end: "fin",
  },
  "respond sends Transfer-Encoding next to a wrong Content-Length": {
    reply: respond(200, { headers: { "content-length": "2" }, body: "hello", framing: "chunked" }),
    text: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    end: "open",
  },
  "chunked sends the given chunks with extensions and trailers": {
    reply: chunked(200, ["hello", { chunk: " world", extension: ";a=b" }], { trailers: { "x-sum": "1" } }),
    text: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nx-sum: 1\r\n\r\n",
    end: "open",
  },
  "chunked sends a wrong size and omits the last chunk": {
    reply: chunked(200, [{ chunk: "hello", size: "banana" }], { last: false }),
    text: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nbanana\r\nhello\r\n",
    end: "open",
  },
  "informational precedes the reply": {
    reply: [...informational(103, { link: "</a>" }), ...ok],
    text: `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${okText}`,
    end: "open",
  },
  "redirect sends its Location unchanged": {
    reply: redirect("../a b?c", 307),
    text: "HTTP/1.1 307 Temporary Redirect\r\nlocation: ../a b?c\r\ncontent-length: 0\r\n\r\n",
    end: "open",
  },
  "keepAliveHint sends a limit in seconds": {
    reply: respond(200, { headers: keepAliveHint(1) }),
    text: "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nkeep-alive: timeout=1\r\ncontent-length: 0\r\n\r\n",
    end: "open",
  },
  "switchProtocols sends a 101 and then nothing": {
    reply: switchProtocols(),
    text: "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    end: "open",
  },
  "reset sends nothing but an RST": { reply: reset(), text: "", end: "rst" },
  "close sends nothing but a FIN": { reply: close(), text: "", end: "fin" },
  "silence sends nothing": { reply: silence(), text: "", end: "open" },
  "silence of a limited time ends in a FIN": { reply: silence(20), text: "", end: "fin" },
  "raw sends its bytes and a FIN": { reply: raw("nonsense"), text: "nonsense", end: "fin" },
  "raw sends its bytes and an RST": {
    reply: [{ send: "x" }, { wait: 20 }, { end: "rst" }],
    text: "x",
    end: "rst",
  },
  "raw keeps the connection on request": {
    reply: raw("nonsense", "keep-alive"),
    text: "nonsense",
    end: "open",
  },
  "cut ends inside the head": {
    reply: cut(ok, { at: 12, by: "fin" }),
    text: okText.slice(0, 12),
    end: "fin",
  },
  "cut resets after the first bytes of the body": {
    reply: cut(ok, { atBody: 2 }),
    text: okText.slice(0, -3),
    end: "rst",
  },
  "cut counts from the end": {
    reply: cut(ok, { beforeEnd: 1, by: "fin" }),
    text: okText.slice(0, -1),
    end: "fin",
  },
  "cut finds the body of raw bytes": {
    reply: cut(raw(okText), { atBody: 1, by: "fin" }),
    text: okText.slice(0, -4),
    end: "fin",
  },
  "cut resets a close-delimited body at its end": {
    reply: cut(respond(200, { body: "hello", framing: "close" }), { beforeEnd: 0 }),
    text: "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello",
    end: "rst",
  },
  "cut stops a chunked body before its last chunk": {
    reply: cut(chunked(200, ["hello"]), { beforeEnd: 5, by: "fin" }),
    text: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    end: "fin",
  },
  "stall sends a part and then nothing": {
    reply: stall(ok, { at: 20 }),
    text: okText.slice(0, 20),
    end: "open",
  },
  "stall continues after a pause": { reply: stall(ok, { atBody: 2, pause: 30 }), text: okText, end: "open" },
  "drip sends the whole reply": { reply: drip(ok, { bytes: 10, every: 2 }), text: okText, end: "open" },
};

suite("on the wire", { concurrency: 8 }, () => {
  for (const [name, { reply, text, end }] of Object.entries(cases)) {
    test(name, async (t) => {
      const origin = await faultOrigin({ routes: { "/": reply } });
      t.after(() => origin.close());

      const seen = await exchangeOnce(origin.port, "/");

      await origin.close();
      assert.deepEqual(seen, { text, end });
      assert.deepEqual(origin.errors, []);
    });
  }
});

const decoders = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
} as const;
for (const coding of ["gzip", "deflate", "br", "zstd"] as const) {
  test(`respond codes a body as ${coding}, whole or cut short under a true length`, async (t) => {
    const body = "abc ".repeat(1_000);
    const routes = {
      "/whole": respond(200, { body, coding }),
      "/half": respond(200, { body, coding, codedBytes: 12 }),
    };
    const origin = await faultOrigin({ routes });
    t.after(() => origin.close());

    const whole = await fetchRaw(`${origin.url}/whole`);
    const half = await fetchRaw(`${origin.url}/half`);

    await origin.close();
    assert.equal(whole.coding, coding);
    assert.equal(decoders[coding](whole.bytes).toString(), body);
    assert.deepEqual(half.bytes, whole.bytes.subarray(0, 12));
  });
}

test("drip waits between its pieces", async (t) => {
  const origin = await faultOrigin({
    routes: { "/": drip(respond(200, { body: "abcd" }), { every: 20, bodyOnly: true }) },
  });
  t.after(() => origin.close());

  const early = await exchangeOnce(origin.port, "/", 30);
  const late = await exchangeOnce(origin.port, "/", 300);

  await origin.close();
  assert.match(early.text, /\r\n\r\nab?$/);
  assert.match(late.text, /\r\n\r\nabcd$/);
});

test("endlessBody waits for a peer that does not read, and the origin serves other clients meanwhile", async (t) => {
  const origin = await faultOrigin({ routes: { "/endless": endlessBody(), "/ok": ok } });
  t.after(() => origin.close());
  const socket = connect(origin.port, "127.0.0.1").pause();
  socket.write("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
  while (origin.attempts("/endless") === 0) await new Promise((resolve) => setTimeout(resolve, 5));

  const other = await exchangeOnce(origin.port, "/ok");

  socket.destroy();
  await origin.close();
  assert.equal(other.text, okText);
});

test("endless replies continue until the peer leaves", async (t) => {
  const routes = {
    "/body": endlessBody(503, { piece: "abc", every: 5 }),
    "/chunks": endlessBody(200, { piece: "abc", every: 5, chunked: true }),
    "/head": endlessHead({ piece: "x: y\r\n", every: 5 }),
  };
  const origin = await faultOrigin({ routes });
  t.after(() => origin.close());

  const [body, chunks, head] = await Promise.all(
    Object.keys(routes).map((path) => exchangeOnce(origin.port, path, 80)),
  );
  await untilNoneOpen(origin);

  await origin.close();
  assert.match(body?.text ?? "", /^HTTP\/1.1 503 .*\r\n\r\n(abc){3}/s);
  assert.match(chunks?.text ?? "", /^HTTP\/1.1 200 .*\r\n\r\n(3\r\nabc\r\n){3}/s);
  assert.match(head?.text ?? "", /^HTTP\/1.1 200 OK\r\n(x: y\r\n){3}/);
});

async function untilNoneOpen(origin: { readonly openConnections: number }): Promise<void> {
  while (origin.openConnections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function fetchRaw(url: string): Promise<{ bytes: Buffer; coding: string | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ bytes: Buffer; coding: string | undefined }>();
  get(url, { agent: false }, (response) => {
    const parts: Buffer[] = [];
    response.on("data", (part: Buffer) => parts.push(part));
    response.on("end", () =>
      resolve({ bytes: Buffer.concat(parts), coding: response.headers["content-encoding"] }),
    );
    response.on("error", reject);
  }).on("error", reject);
  return promise;
}
