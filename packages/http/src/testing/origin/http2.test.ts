import assert from "node:assert/strict";
import { connect, constants } from "node:http2";
import { get } from "node:https";
import { test } from "node:test";
import type { Reply } from "../index.ts";
import {
  chunked,
  cut,
  echo,
  endlessBody,
  faultOrigin,
  goawayProcessed,
  goawayUnprocessed,
  informational,
  refuseStream,
  reset,
  resetStream,
  respond,
  selfSigned,
  silence,
} from "../index.ts";

interface Seen {
  readonly status: unknown;
  readonly text: string;
  readonly code: number | undefined;
  readonly goaway: number | undefined;
  readonly interim: readonly unknown[];
}

async function ask(
  url: string,
  path: string,
  { body = "", ca = "", stopAfter = Infinity } = {},
): Promise<Seen> {
  const session = connect(url, ca === "" ? {} : { ca });
  const stream = session.request(
    { ":path": path, ":method": body === "" ? "GET" : "POST" },
    { endStream: body === "" },
  );
  if (body !== "") stream.end(body);
  let seen: Seen = { status: undefined, text: "", code: undefined, goaway: undefined, interim: [] };
  session.on("goaway", (_, last) => (seen = { ...seen, goaway: last })).on("error", () => {});
  stream.on("headers", (headers) => (seen = { ...seen, interim: [...seen.interim, headers[":status"]] }));
  stream.on("response", (headers) => (seen = { ...seen, status: headers[":status"] })).on("error", () => {});
  stream.setEncoding("latin1").on("data", (part: string) => {
    seen = { ...seen, text: seen.text + part };
    if (seen.text.length >= stopAfter) stream.close();
  });
  await new Promise((resolve) => stream.once("close", resolve));
  seen = { ...seen, code: stream.rstCode };
  if (!session.destroyed) {
    const closed = new Promise((resolve) => session.once("close", resolve));
    session.close();
    await closed;
  }
  return seen;
}

const big = respond(200, { body: "x".repeat(30_000) });
const part: Reply = cut(big, { beforeEnd: 20_000, by: "fin" }).slice(0, -1);
const usual = { status: 200, code: constants.NGHTTP2_NO_ERROR, goaway: undefined, interim: [] };

const cases: Readonly<Record<string, { readonly reply: Reply; readonly seen: Seen }>> = {
  "a whole reply without the headers of HTTP/1 connections": {
    reply: respond(200, { headers: { connection: "keep-alive" }, body: "hello" }),
    seen: { ...usual, text: "hello" },
  },
  "chunks without chunk sizes": { reply: chunked(200, ["hel", "lo"]), seen: { ...usual, text: "hello" } },
  "interim replies": {
    reply: [...informational(103), ...big],
    seen: { ...usual, text: "x".repeat(30_000), interim: [103] },
  },
  "a refused stream": {
    reply: refuseStream(),
    seen: { ...usual, status: undefined, text: "", code: constants.NGHTTP2_REFUSED_STREAM },
  },
  "a reset in mid-body": {
    reply: [...part, { wait: 20 }, ...resetStream()],
    seen: { ...usual, text: "x".repeat(10_000), code: constants.NGHTTP2_INTERNAL_ERROR },
  },
  "a reset with a given code": {
    reply: resetStream(constants.NGHTTP2_ENHANCE_YOUR_CALM),
    seen: { ...usual, status: undefined, text: "", code: constants.NGHTTP2_ENHANCE_YOUR_CALM },
  },
  "a body that ends before its length": {
    reply: [...part, { end: "fin" }],
    seen: { ...usual, text: "x".repeat(10_000), code: constants.NGHTTP2_PROTOCOL_ERROR },
  },
  "GOAWAY below the first stream": {
    reply: goawayUnprocessed(),
    seen: { ...usual, status: undefined, text: "", code: constants.NGHTTP2_REFUSED_STREAM, goaway: 0 },
  },
  "GOAWAY above the stream, and its reply": {
    reply: [...goawayProcessed(), ...respond(200, { body: "late" })],
    seen: { ...usual, text: "late", goaway: 1 },
  },
};

const certificate = selfSigned();
for (const [name, { reply, seen }] of Object.entries(cases)) {
  for (const tls of [false, true]) {
    test(`HTTP/2 ${tls ? "over TLS" : "in clear"}: ${name}`, async (t) => {
      const origin = await faultOrigin({
        http2: true,
        routes: { "/": reply },
        ...(tls ? { tls: certificate } : {}),
      });
      t.after(() => origin.close());

      const found = await ask(origin.url, "/", { ca: certificate.cert });

      await origin.close();
      assert.deepEqual(found, seen);
      assert.deepEqual(origin.errors, []);
    });
  }
}

test("reset ends the whole HTTP/2 connection", async (t) => {
  for (const tls of [false, true]) {
    const origin = await faultOrigin({
      http2: true,
      routes: { "/": reset() },
      ...(tls ? { tls: certificate } : {}),
    });
    t.after(() => origin.close());
    const session = connect(origin.url, { ca: certificate.cert }).on("error", () => {});
    const stream = session.request({ ":path": "/" }).on("error", () => {});

    await new Promise((resolve) => session.on("close", resolve));

    assert.equal(stream.destroyed, true);
    assert.equal(origin.attempts("/"), 1);
  }
});

test("releases a client that leaves while its streams hang", async (t) => {
  for (const tls of [false, true]) {
    const routes = { "/silent": silence(), "/refused": refuseStream() };
    const origin = await faultOrigin({ http2: true, routes, ...(tls ? { tls: certificate } : {}) });
    t.after(() => origin.close());
    const session = connect(origin.url, { ca: certificate.cert });
    for (const path of Object.keys(routes)) session.request({ ":path": path }).on("error", () => {});
    while (origin.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));

    session.destroy();

    while (origin.openConnections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(origin.connections, 1);
  }
});

test("records a request over HTTP/2 with its body", async (t) => {
  const origin = await faultOrigin({ http2: true, routes: { "/echo": echo() } });
  t.after(() => origin.close());

  const { text } = await ask(origin.url, "/echo?a=b", { body: "y".repeat(200_000) });

  const [request] = origin.requests;
  await origin.close();
  assert.match(text, /"method":"POST","target":"\/echo\?a=b"/);
  assert.equal(request?.httpVersion, "2");
  assert.equal(request.path, "/echo");
  assert.equal(request.headers["host"], new URL(origin.url).host);
  assert.equal(request.body.toString(), "y".repeat(200_000));
  assert.equal(request.bodyComplete, true);
});

test("stops an endless body over HTTP/2 when the peer closes", async (t) => {
  const origin = await faultOrigin({ http2: true, routes: { "/": endlessBody() } });
  t.after(() => origin.close());

  const { text } = await ask(origin.url, "/", { stopAfter: 1_000_000 });

  while (origin.openConnections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await origin.close();
  assert.ok(text.length >= 1_000_000);
});

test("replies 500 when a responder throws", async (t) => {
  const throws = (): Reply => {
    throw new Error("my mistake");
  };
  const origin = await faultOrigin({ http2: true, routes: { "/": throws } });
  t.after(() => origin.close());

  const { status, text } = await ask(origin.url, "/");

  await origin.close();
  assert.equal(status, 500);
  assert.match(text, /my mistake/);
  assert.equal(origin.errors.length, 1);
});

test("serves HTTP/1.1 under TLS to a client without HTTP/2", async (t) => {
  const origin = await faultOrigin({
    http2: true,
    tls: certificate,
    routes: { "/": respond(200, { body: "hello" }) },
  });
  t.after(() => origin.close());

  const { promise, resolve } = Promise.withResolvers<string>();
  get(origin.url, { ca: certificate.cert, agent: false }, (response) => {
    response.resume().on("end", () => resolve(response.httpVersion));
  });

  assert.equal(await promise, "1.1");
  await origin.close();
});
