import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { basicAuth, Retry, Session, type HttpResponse, type SessionOptions } from "@holdfast/http";
import { drip, endlessBody, redirect, respond, selfSigned, type Reply } from "@holdfast/http/testing";
import { countOpen, faultOrigin, isOverHttp2, protocolOptions, test } from "./protocol.ts";
import { outcomeOf, quick, scenarios, type Scenario } from "./scenario.ts";

const recovered = respond(200, { body: "recovered\n" });
const came = { status: 200, body: "recovered\n" } as const;

const mebibyte = 1024 * 1024;
const large = Buffer.alloc(2 * mebibyte, "x");
const dripping = (answer: Reply): Reply => drip(answer, { every: 20, bodyOnly: true });
const page = Buffer.alloc(100_000, "x");

function then(answer: Reply): Pick<Scenario, "origin"> {
  return { origin: { routes: { "/": [answer, recovered], "/there": recovered } } };
}

const soon = { max: 2_500 };
// Over HTTP/2 only the stream is dropped.
const gone = { ...came, attempts: 2, connections: isOverHttp2() ? 1 : 2, elapsed: soon };

scenarios({
  "unwanted-body: a dripping 503": { ...then(dripping(respond(503, { body: page }))), expect: gone },
  "unwanted-body: a dripping 429": { ...then(dripping(respond(429, { body: page }))), expect: gone },
  "unwanted-body: an endless chunked 503": {
    ...then(endlessBody(503, { every: 20, chunked: true })),
    expect: gone,
  },
  "unwanted-body: an endless fast 503": { ...then(endlessBody(503)), expect: gone },
  "unwanted-body: a 503 with a Content-Length of a gigabyte": {
    ...then([...respond(503, { headers: { "content-length": "1000000000" } }), { end: "hang" }]),
    expect: { ...gone, elapsed: { max: 900 } },
  },
  "unwanted-body: a 503 that decodes to a large body": {
    ...then(respond(503, { body: Buffer.alloc(64 * mebibyte), coding: "gzip" })),
    request: { maxBytes: 8 * mebibyte },
    expect: { ...came, attempts: 2 },
  },
  "unwanted-body: a dripping redirect": {
    ...then(dripping(redirect("/there", 302, { body: page }))),
    expect: { ...came, attempts: 2, elapsed: soon },
  },
  "unwanted-body: a dripping redirect that is not followed": {
    ...then(dripping(redirect("/there", 302, { body: page.subarray(0, 60) }))),
    request: { maxRedirects: 0 },
    expect: { status: 302, body: "x".repeat(60), attempts: 1 },
  },
  "unwanted-body: a dripping 401 with new credentials": {
    ...then(dripping(respond(401, { body: page }))),
    request: { auth: (_request, refused) => (refused === undefined ? "Bearer old" : "Bearer new") },
    expect: { ...came, attempts: 2, elapsed: soon },
  },
  "unwanted-body: a 401 without new credentials is read completely": {
    ...then(respond(401, { body: large })),
    request: { auth: basicAuth("user", "password") },
    expect: { status: 401, body: large.toString(), attempts: 1 },
  },
  "unwanted-body: a 401 that auth reads is read completely": {
    ...then(respond(401, { body: large })),
    request: { auth: async (_request, refused) => refused && `Bearer ${(await refused.text()).length}` },
    expect: { ...came, attempts: 2 },
  },
  "unwanted-body: a response that must not be retried is read completely": {
    ...then(respond(503, { body: large })),
    method: "POST",
    request: { body: "order" },
    expect: { status: 503, body: large.toString(), attempts: 1 },
  },
  "unwanted-body: the response of the last attempt is read completely": {
    origin: { routes: { "/": respond(503, { body: large }) } },
    retry: { total: 1 },
    expect: { status: 503, body: large.toString(), attempts: 2 },
  },
  "unwanted-body: a deadline that leaves no time for a wait keeps the body": {
    ...then(respond(503, { body: large })),
    retry: { wait: () => 60_000 },
    timeout: { total: "20s" },
    expect: { status: 503, body: large.toString(), attempts: 1 },
  },
});

async function askOnce(answer: Reply, options: SessionOptions): Promise<HttpResponse> {
  await using origin = await faultOrigin({ routes: { "/": [answer, recovered] } });
  await using session = new Session({ retry: new Retry(quick), ...protocolOptions(), ...options });
  return await session.get(`${origin.url}/`);
}

test("unwanted-body: a response returned for an empty budget has its body", async () => {
  const budget = { deposit: () => undefined, withdraw: () => false };

  const response = await askOnce(respond(503, { body: large }), { budget });

  assert.deepEqual([response.status, response.content.length], [503, large.length]);
});

test("unwanted-body: a condition is not called for a dropped body", async () => {
  const seen: number[] = [];
  const when = async ({ response }: { readonly response?: HttpResponse | undefined }): Promise<boolean> => {
    seen.push(Number((await response?.text())?.length));
    return false;
  };

  const response = await askOnce(respond(503, { body: large }), { retry: new Retry({ ...quick, when }) });

  assert.deepEqual([response.status, seen], [200, ["recovered\n".length]]);
});

test("unwanted-body: a hook that cannot read it does not end the call", async () => {
  const failures: unknown[] = [];
  const seen: number[] = [];
  const hooks = {
    response: [
      (response: HttpResponse) => void response.content,
      async (response: HttpResponse) => {
        await response.text().catch((error: unknown) => failures.push(error));
        seen.push(response.status);
      },
    ],
  };

  await askOnce(respond(503, { body: large }), { hooks });

  assert.deepEqual(seen, [503, 200]);
  assert.deepEqual(
    failures.map((error) => Reflect.get(Object(error), "code")),
    ["ERR_INCOMPLETE_BODY"],
  );
});

test("unwanted-body: another error of a hook ends the call and releases the connection", async () => {
  await using origin = await faultOrigin({ routes: { "/": endlessBody(503) } });
  await using session = new Session({ retry: new Retry(quick), ...protocolOptions() });
  const mine = new Error("mine");
  session.hooks.response.push(() => Promise.reject(mine));

  const { error } = await outcomeOf(session.get(`${origin.url}/`));

  assert.equal(error, mine);
  for (let turn = 0; countOpen(origin) > 0 && turn < 200; turn += 1) await setTimeout(10);
  assert.equal(countOpen(origin), 0);
});

test("unwanted-body: drain during the wait for a body is an IncompleteBodyError", async () => {
  await using origin = await faultOrigin({ routes: { "/": respond(503, { body: large }) } });
  await using session = new Session({
    retry: new Retry({ ...quick, wait: () => 60_000 }),
    ...protocolOptions(),
  });
  const stop = new AbortController();
  session.hooks.retry.push(() => setImmediate(() => stop.abort()) && undefined);

  const { error } = await outcomeOf(session.get(`${origin.url}/`, { drain: stop.signal }));

  assert.deepEqual(
    [Reflect.get(Object(error), "code"), Reflect.get(Object(error), "attempts")?.[0]?.status],
    ["ERR_INCOMPLETE_BODY", 503],
  );
});

test("unwanted-body: over HTTP/2 only its stream is dropped, and a returned response is complete", async () => {
  await using origin = await faultOrigin({
    tls: selfSigned(),
    http2: true,
    routes: {
      "/drips": [endlessBody(503, { every: 20 }), recovered],
      "/last": respond(503, { body: large }),
    },
  });
  await using session = new Session({
    http2: true,
    tls: { rejectUnauthorized: false },
    retry: new Retry({ ...quick, total: 1 }),
  });

  const [gone, last] = await Promise.all([
    session.get(`${origin.url}/drips`),
    session.get(`${origin.url}/last`),
  ]);

  assert.deepEqual([gone.status, gone.attempts.length], [200, 2]);
  assert.deepEqual([last.status, last.attempts.length, last.content.length], [503, 2, large.length]);
  assert.equal(origin.connections, 1);
});
