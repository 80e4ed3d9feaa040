import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { get } from "node:http";
import { get as getSecurely } from "node:https";
import { test } from "node:test";
import { connect } from "node:tls";
import {
  accept,
  delayAccept,
  cut,
  cutHandshake,
  faultOrigin,
  reset,
  resetOnAccept,
  respond,
  selfSigned,
  silence,
} from "../index.ts";

const trusted = selfSigned();
const body = "x".repeat(1_000);
const routes = {
  "/": respond(200, { body: "hello" }),
  "/reset": reset(),
  "/rst-in-body": cut(respond(200, { body }), { atBody: 500 }),
  "/bare-fin": cut(respond(200, { body, framing: "close" }), { atBody: 500, by: "bare-fin" }),
  "/silent": silence(),
};

interface Result {
  readonly text: string;
  readonly error: string | undefined;
}

async function ask(
  url: string,
  options: { readonly ca?: string; readonly servername?: string } = { ca: trusted.cert },
): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  let text = "";
  const fail = (error: NodeJS.ErrnoException): void => resolve({ text, error: error.code });
  getSecurely(url, { agent: false, ...options }, (response) => {
    response.setEncoding("latin1").on("data", (part: string) => (text += part));
    response.on("end", () => resolve({ text, error: undefined })).on("error", fail);
  }).on("error", fail);
  return promise;
}

async function untilNoneOpen(origin: { readonly openConnections: number }): Promise<void> {
  while (origin.openConnections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("sends the same replies and faults under TLS", async (t) => {
  const origin = await faultOrigin({ tls: trusted, routes });
  t.after(() => origin.close());

  assert.deepEqual(await ask(origin.url), { text: "hello", error: undefined });
  assert.deepEqual(await ask(`${origin.url}/reset`), { text: "", error: "ECONNRESET" });
  assert.deepEqual(await ask(`${origin.url}/rst-in-body`), { text: body.slice(500), error: "ECONNRESET" });
  assert.equal((await ask(`${origin.url}/bare-fin`)).text, body.slice(500));

  await untilNoneOpen(origin);
  await origin.close();
});

test("cuts, refuses and delays handshakes", async (t) => {
  const onConnection = [
    cutHandshake(),
    resetOnAccept(),
    delayAccept(30),
    [{ peek: true }, { wait: 5 }],
    accept(),
  ] as const;
  const origin = await faultOrigin({ tls: trusted, routes, onConnection });
  t.after(() => origin.close());

  const results: (string | undefined)[] = [];
  for (const _ of onConnection) {
    const { text, error } = await ask(origin.url);
    results.push(error ?? text);
  }

  await origin.close();
  assert.deepEqual(results, ["ECONNRESET", "ECONNRESET", "hello", "hello", "hello"]);
  assert.equal(origin.requests.length, 3);
});

test("receives no request when the certificate is untrusted, expired or for another host", async (t) => {
  const expired = selfSigned({ validTo: new Date(Date.UTC(2021, 0, 1)) });
  const elsewhere = selfSigned({ hosts: ["elsewhere.test"] });
  const table = [
    [trusted, {}, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    [expired, { ca: expired.cert }, "CERT_HAS_EXPIRED"],
    [elsewhere, { ca: elsewhere.cert }, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ] as const;
  for (const [tls, options, code] of table) {
    const origin = await faultOrigin({ tls, routes });
    t.after(() => origin.close());

    assert.equal((await ask(origin.url, options)).error, code);

    await untilNoneOpen(origin);
    await origin.close();
    assert.equal(origin.requests.length, 0);
  }
});

test("sends no HTTP reply to plain HTTP on a TLS port", async (t) => {
  const origin = await faultOrigin({ tls: trusted, routes });
  t.after(() => origin.close());

  const request = get(origin.url.replace("https", "http"), { agent: false });
  const [error]: unknown[] = await once(request, "response").catch((failure: unknown) => [failure]);

  await untilNoneOpen(origin);
  await origin.close();
  assert.ok(error instanceof Error);
});

test("releases a client that leaves without closing TLS", async (t) => {
  const origin = await faultOrigin({ tls: trusted, routes });
  t.after(() => origin.close());
  const client = connect({ port: origin.port, host: "127.0.0.1", ca: trusted.cert });
  client.write("GET /silent HTTP/1.1\r\n\r\n");
  while (origin.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));

  client.destroy();

  await untilNoneOpen(origin);
  await origin.close();
  assert.equal(origin.connections, 1);
});

test("selfSigned sets hosts and validity of the certificate", () => {
  const validFrom = new Date(Date.UTC(2024, 1, 29, 1, 2, 3));
  const { key, cert } = selfSigned({
    hosts: ["a.test", "*.b.test", "127.0.0.9"],
    validFrom,
    validTo: new Date(Date.UTC(2031, 0, 1)),
  });

  const parsed = new X509Certificate(cert);
  assert.equal(parsed.subjectAltName, "DNS:a.test, DNS:*.b.test, IP Address:127.0.0.9");
  assert.equal(parsed.subject, "CN=a.test");
  assert.equal(parsed.validFromDate.getTime(), validFrom.getTime());
  assert.equal(parsed.validToDate.getUTCFullYear(), 2031);
  assert.ok(parsed.verify(parsed.publicKey));
  assert.match(key, /BEGIN PRIVATE KEY/);
});
