import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import got, { HTTPError, RequestError } from "got";
import { bearerAuth, Session } from "@holdfast/http";
import { attach } from "@holdfast/http/got";
import {
  close,
  cut,
  faultOrigin,
  redirect,
  refusedPort,
  respond,
  silence,
  type FaultOrigin,
  type Routes,
} from "@holdfast/http/testing";

const quick = { trustEnvironment: false, retry: { total: 3, backoffFactor: 0 } } as const;

function serve(routes: Routes): Promise<FaultOrigin> {
  return faultOrigin({ routes });
}

async function errorOf(call: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error);
  return error;
}

test("an attached got survives failures, and each attempt has the whole body", async () => {
  await using origin = await serve({ "/a": [respond(503), close(), respond(200, { body: '{"ok":true}' })] });
  await using session = new Session(quick);
  const client = attach(got, session);

  const result = await client.put(`${origin.url}/a`, { json: { name: "value" } }).json();

  assert.deepEqual(result, { ok: true });
  assert.deepEqual(
    origin.requests.map(({ body }) => body.toString()),
    ['{"name":"value"}', '{"name":"value"}', '{"name":"value"}'],
  );
});

test("an attached got waits as Retry-After says", async () => {
  await using origin = await serve({
    "/a": [respond(429, { headers: { "retry-after": "1" } }), respond(200, { body: "fine" })],
  });
  await using session = new Session(quick);

  const body = await attach(got, session)(`${origin.url}/a`).text();

  assert.equal(body, "fine");
  assert.ok((origin.gaps("/a")[0] ?? 0) >= 990);
});

test("a status that stays an error is an HTTPError of got, with its response and one loop of attempts", async () => {
  await using origin = await serve({ "/a": respond(503, { body: "busy" }) });
  await using session = new Session(quick);

  const error = await errorOf(attach(got, session)(`${origin.url}/a`));

  assert.ok(error instanceof HTTPError);
  assert.equal(error.response.statusCode, 503);
  assert.equal(error.response.body, "busy");
  assert.equal(origin.requests.length, 4);
});

test("throwHttpErrors and afterResponse hooks work as in got", async () => {
  await using origin = await serve({ "/a": respond(404, { body: "none" }) });
  await using session = new Session(quick);
  const statuses: number[] = [];
  const client = attach(got, session).extend({
    throwHttpErrors: false,
    hooks: {
      afterResponse: [
        (response) => {
          statuses.push(response.statusCode);
          return response;
        },
      ],
    },
  });

  const response = await client(`${origin.url}/a`);

  assert.deepEqual([response.statusCode, response.ok, statuses], [404, false, [404]]);
});

test("a refused connection is a RequestError of got with the code of the platform", async () => {
  await using session = new Session({ ...quick, retry: false });

  const error = await errorOf(attach(got, session)(`http://127.0.0.1:${await refusedPort()}/`));

  assert.ok(error instanceof RequestError);
  assert.equal(error.code, "ECONNREFUSED");
});

test("got decodes a coded body, and reads JSON and bytes", async () => {
  const routes = {
    "/text": respond(200, { body: "x".repeat(100_000), coding: "gzip" as const }),
    "/bytes": respond(200, { body: gzipSync("plain"), headers: { "content-type": "application/gzip" } }),
  };
  await using origin = await serve(routes);
  await using session = new Session(quick);
  const client = attach(got, session);

  assert.equal((await client(`${origin.url}/text`).text()).length, 100_000);
  assert.deepEqual(Buffer.from(await client(`${origin.url}/bytes`).buffer()), gzipSync("plain"));
});

test("got follows redirects and reports them, and the session's credentials stay at their origin", async () => {
  await using other = await faultOrigin({
    host: "127.0.0.2",
    routes: { "/c": respond(200, { body: "there" }) },
  });
  await using origin = await serve({
    "/a": redirect("/b", 303),
    "/b": redirect(`${other.url}/c`, 302),
  });
  await using session = new Session({ ...quick, auth: bearerAuth("s3cret"), headers: { "x-own": "1" } });

  const response = await attach(got, session).post(`${origin.url}/a`, { body: "abc" });

  assert.equal(response.body, "there");
  assert.deepEqual(
    response.redirectUrls.map((url) => url.href),
    [`${origin.url}/b`, `${other.url}/c`],
  );
  assert.deepEqual(
    [...origin.requests, ...other.requests].map(({ method, headers }) => [method, headers["authorization"]]),
    [
      ["POST", "Bearer s3cret"],
      ["GET", "Bearer s3cret"],
      ["GET", undefined],
    ],
  );
});

test("hooks of one request run, and may replace the response", async () => {
  await using origin = await serve({ "/a": respond(200, { body: "sent" }) });
  await using session = new Session(quick);
  const client = attach(
    got.extend({ hooks: { beforeRequest: [(options) => void (options.headers["x-first"] = "1")] } }),
    session,
  );

  await client(`${origin.url}/a`, {
    hooks: { beforeRequest: [(options) => void (options.headers["x-later"] = "2")] },
  });

  const { headers } = origin.requests[0] ?? {};
  assert.deepEqual([headers?.["x-first"], headers?.["x-later"]], ["1", "2"]);
});

test("got streams a download, and a body that breaks off is an error of the stream", async () => {
  await using origin = await serve({
    "/a": [respond(503), respond(200, { body: "y".repeat(300_000) })],
    "/cut": cut(respond(200, { body: "z".repeat(1_000) }), { beforeEnd: 10 }),
  });
  await using session = new Session(quick);
  const client = attach(got, session);

  const bytes = await buffer(client.stream(`${origin.url}/a`));
  const error = await errorOf(text(client.stream(`${origin.url}/cut`)));

  assert.equal(bytes.length, 300_000);
  assert.ok(error instanceof RequestError);
});

test("got uploads a stream once, and a piped body with its own transport", async () => {
  await using origin = await serve({ "/a": respond(503), "/b": respond(200, { body: "stored" }) });
  await using session = new Session(quick);
  const client = attach(got, session);

  const error = await errorOf(client.put(`${origin.url}/a`, { body: Readable.from(["abc", "def"]) }));
  const upload = client.stream.put(`${origin.url}/b`);
  const stored = text(upload);
  upload.end("piped");

  assert.equal(await stored, "stored");
  assert.ok(error instanceof HTTPError);
  assert.deepEqual(
    origin.requests.map(({ body }) => body.toString()),
    ["abcdef", "piped"],
  );
});

test("timeout.request and signals end a request as in got", async () => {
  await using origin = await serve({ "/a": silence() });
  await using session = new Session(quick);
  const client = attach(got, session);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);

  const late = await errorOf(client(`${origin.url}/a`, { timeout: { request: 100 } }));
  const aborted = await errorOf(client(`${origin.url}/a`, { signal: controller.signal }));

  assert.deepEqual([late.name, late.code], ["TimeoutError", "ETIMEDOUT"]);
  assert.match(late.message, /Timeout awaiting 'request' for 100ms/);
  assert.equal(aborted.name, "AbortError");
});

const refused: readonly (readonly [option: string, options: Readonly<Record<string, unknown>>])[] = [
  ["agent", { agent: { http: {} } }],
  ["dnsLookup", { dnsLookup: () => undefined }],
  ["https", { https: { rejectUnauthorized: false } }],
  ["http2", { http2: true }],
  ["cache", { cache: new Map() }],
  ["localAddress", { localAddress: "127.0.0.1" }],
  ["timeout.connect", { timeout: { connect: 100 } }],
  ["request", { request: () => undefined }],
  ["retry", { retry: { limit: 2 } }],
];

for (const [option, options] of refused) {
  test(`an attached got refuses the option ${option} by its name`, async () => {
    await using session = new Session(quick);

    const error = await errorOf(attach(got, session)("http://127.0.0.1:1/", options));

    assert.ok(error instanceof RequestError);
    assert.match(error.message, new RegExp(`The option ${option} of got does not apply`));
  });
}

test("the given instance of got stays as it was", async () => {
  await using origin = await serve({ "/a": respond(503) });
  await using session = new Session(quick);
  attach(got, session);

  await errorOf(got(`${origin.url}/a`, { retry: { limit: 0 } }));

  assert.equal(origin.requests.length, 1);
  assert.match(String(origin.requests[0]?.headers["user-agent"]), /^got/);
});

test("attach refuses a value that is not got", () => {
  assert.throws(() => attach({ extend: 1 } as never), /attach takes an instance of got, got an object/);
});
