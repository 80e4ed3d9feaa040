import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { HttpAdapter, Retry, Session } from "@holdfast/http";
import { certificates, type Certificate } from "./support/certificates.ts";
import { httpbin, type Httpbin } from "./support/httpbin.ts";
import { nginx } from "./support/nginx.ts";
import { toUrlPath, site } from "./support/site.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

let bin: Httpbin;

before(async () => {
  bin = await httpbin();
});

after(() => bin[Symbol.asyncDispose]());

/** Retries without a wait: these tests check the requests to real servers, not the waits. */
const twice = new Retry({ total: 2, statusForcelist: [503], backoffFactor: 0, raiseOnStatus: false });

function trusting(authority: Certificate): Session {
  const session = new Session({ retry: twice });
  session.mount("https://", new HttpAdapter({ tls: { ca: authority.cert } }));
  return session;
}

interface Failure {
  readonly error: Error;
  readonly code: string;
  readonly attempts: readonly unknown[];
}

async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error = await call.then(
    () => assert.fail("It should have failed"),
    (reason: unknown) => reason,
  );
  assert.ok(
    error instanceof Error && "code" in error && "attempts" in error && Array.isArray(error.attempts),
    String(error),
  );
  return { error, code: String(error.code), attempts: error.attempts };
}

test("httpbin: a permanent 503 is retried as often as allowed, and then returned with every attempt", async () => {
  await using session = new Session({ retry: twice });

  const response = await session.get(`${bin.url}/status/503`);

  assert.equal(response.status, 503);
  assert.deepEqual(
    response.attempts.map(({ number, status, verdict }) => [number, status, verdict.reason]),
    [
      [1, 503, "http-503"],
      [2, 503, "http-503"],
      [3, 503, "http-503"],
    ],
  );
  assert.equal(response.verdict.kind, "transient");
});

test("httpbin: a 404 is not retried", async () => {
  await using session = new Session({ retry: twice });

  const response = await session.get(`${bin.url}/status/404`);

  assert.deepEqual([response.status, response.attempts.length, response.verdict.kind], [404, 1, "rejected"]);
});

test("httpbin: a failed POST is repeated only with an idempotency key", async () => {
  await using session = new Session({ retry: twice });

  const plain = await session.request("POST", `${bin.url}/status/503`, { body: "x" });
  const keyed = await session.request("POST", `${bin.url}/status/503`, { body: "x", idempotencyKey: "k-1" });

  assert.deepEqual([plain.attempts.length, keyed.attempts.length], [1, 3]);
});

test("httpbin: a response slower than the read limit is a read timeout of every attempt", async () => {
  await using session = new Session({ retry: new Retry({ total: 1 }), timeout: { read: "300ms" } });
  const began = performance.now();

  const { code, attempts } = await failureOf(session.get(`${bin.url}/delay/5`));

  assert.deepEqual([code, attempts.length], ["ERR_READ_TIMEOUT", 2]);
  assert.ok(performance.now() - began < 4_000);
});

test("httpbin: a slow body without silence succeeds, however long it takes", async () => {
  await using session = new Session({ timeout: { read: "800ms" } });

  const response = await session.get(`${bin.url}/drip?numbytes=10&duration=2&delay=0`);

  assert.equal(await response.text(), "*".repeat(10));
  assert.equal(response.attempts.length, 1);
});

test("httpbin: the total limit ends a dripping body", async () => {
  await using session = new Session({ timeout: { read: "5s", total: "600ms" } });
  const began = performance.now();

  const { code } = await failureOf(session.get(`${bin.url}/drip?numbytes=50&duration=10&delay=0`));

  assert.equal(code, "ERR_DEADLINE");
  assert.ok(performance.now() - began < 3_000);
});

test("httpbin: the caller's abort ends the call with its reason", async () => {
  await using session = new Session();
  const caller = new AbortController();
  const reason = new Error("enough");
  setTimeout(() => caller.abort(reason), 200);

  await assert.rejects(
    session.get(`${bin.url}/delay/5`, { signal: caller.signal }),
    (error) => error === reason,
  );
});

test("httpbin: redirects are followed to the end", async () => {
  await using session = new Session();

  const response = await session.get(`${bin.url}/redirect/3`);

  assert.deepEqual([response.status, response.url], [200, `${bin.url}/get`]);
});

test("httpbin: a chunked body arrives complete, the same each time", async () => {
  await using session = new Session();
  const url = `${bin.url}/stream-bytes/100000?seed=5&chunk_size=1000`;

  const [first, second] = [await session.get(url), await session.get(url)];

  assert.equal(first.content.byteLength, 100_000);
  assert.deepEqual(first.content, second.content);
});

const codings = [
  ["gzip", "gzipped"],
  ["deflate", "deflated"],
  ["brotli", "brotli"],
] as const;

for (const [path, proof] of codings) {
  test(`httpbin: a body in ${path} is decoded`, async () => {
    await using session = new Session();

    const response = await session.get(`${bin.url}/${path}`);

    assert.equal((await response.json<Record<string, unknown>>())[proof], true);
  });
}

test("httpbin: JSON and headers arrive unchanged", async () => {
  await using session = new Session({ headers: { "x-all": "session" } });

  const response = await session.request("POST", `${bin.url}/post`, {
    json: { a: ["ü", 1] },
    headers: { "x-one": "request" },
  });

  const echo = await response.json<{ json: unknown; headers: Record<string, string> }>();
  assert.deepEqual(echo.json, { a: ["ü", 1] });
  assert.deepEqual(
    [echo.headers["X-All"], echo.headers["X-One"], echo.headers["Content-Type"]],
    ["session", "request", "application/json"],
  );
});

test("nginx: sequential requests share one connection", async () => {
  await using pages = await site(20);
  await using server = await nginx({ root: pages.root });
  await using session = new Session();

  for (const file of pages.files) await session.get(server.url + toUrlPath(file));

  const seen = await server.seen();
  assert.equal(seen.length, 20);
  assert.equal(new Set(seen.map(({ connection }) => connection)).size, 1);
});

test("nginx: a connection that the server closes after every few requests costs no request", async () => {
  await using pages = await site(20);
  await using server = await nginx({ root: pages.root, conf: "keepalive_requests 3;" });
  await using session = new Session();

  for (const file of pages.files) {
    const response = await session.get(server.url + toUrlPath(file));
    assert.deepEqual([response.status, response.attempts.length], [200, 1]);
  }

  const seen = await server.seen();
  assert.equal(seen.length, 20);
  assert.equal(new Set(seen.map(({ connection }) => connection)).size, 7);
});

test("nginx: a file of 64 MiB arrives byte for byte", async () => {
  await using directory = await temporaryDirectory("big");
  const big = randomBytes(64 * 2 ** 20);
  await writeFile(join(directory.path, "big.bin"), big);
  await using server = await nginx({ root: directory.path });
  await using session = new Session();

  const response = await session.get(`${server.url}/big.bin`);

  const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  assert.equal(response.content.byteLength, big.byteLength);
  assert.equal(digest(response.content), digest(big));
});

test("nginx: a requested range is returned as a 206", async () => {
  await using directory = await temporaryDirectory("range");
  await writeFile(join(directory.path, "digits.txt"), "0123456789");
  await using server = await nginx({ root: directory.path });
  await using session = new Session();

  const response = await session.get(`${server.url}/digits.txt`, { headers: { range: "bytes=2-4" } });

  assert.deepEqual([response.status, await response.text()], [206, "234"]);
  assert.equal(response.headers.get("content-range"), "bytes 2-4/10");
  assert.deepEqual(
    (await server.seen()).map(({ range }) => range),
    ["bytes=2-4"],
  );
});

test("nginx: a page refused with 503 by the server's limit arrives at a later attempt", async () => {
  await using pages = await site(1);
  // No burst: of two requests within half a second the second is refused.
  await using server = await nginx({
    root: pages.root,
    requestsPerSecond: 2,
    conf: "location / { limit_req zone=pace; }",
  });
  await using session = new Session({
    retry: new Retry({ total: 8, statusForcelist: [503], backoffFactor: "100ms", raiseOnStatus: false }),
  });
  const url = server.url + toUrlPath(pages.files[0] ?? "");

  const [first, second] = [await session.get(url), await session.get(url)];

  assert.deepEqual([first.status, first.attempts.length], [200, 1]);
  assert.equal(second.status, 200);
  assert.ok(second.attempts.length > 1);
});

const certificateVerdicts = [
  ["expired", "CERT_HAS_EXPIRED"],
  ["selfSigned", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ["wrongHost", "ERR_TLS_CERT_ALTNAME_INVALID"],
] as const;

for (const [kind, errno] of certificateVerdicts) {
  test(`nginx: a certificate that is ${kind} is rejected at the first attempt, with the reason`, async () => {
    const all = await certificates();
    await using pages = await site(1);
    await using server = await nginx({ root: pages.root, certificate: all[kind] });
    await using session = trusting(all.ca);

    const { error, code, attempts } = await failureOf(session.get(`${server.url}/`));

    assert.deepEqual([code, attempts.length], ["ERR_TLS", 1]);
    assert.ok("errno" in error && error.errno === errno, String(error));
    assert.deepEqual(await server.seen(), []);
  });
}

test("nginx: a certificate of a trusted authority for the right host is accepted", async () => {
  const { ca, good } = await certificates();
  await using pages = await site(1);
  await using server = await nginx({ root: pages.root, certificate: good });
  await using session = trusting(ca);

  const response = await session.get(server.url + toUrlPath(pages.files[0] ?? ""));

  assert.deepEqual([response.status, response.attempts.length], [200, 1]);
});
