import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { HttpRequestInterceptor } from "@mswjs/interceptors/http";
import { http, HttpResponse, type RequestHandler } from "msw";
import { setupServer } from "msw/node";
import nock from "nock";
import { fetch as undiciFetch, MockAgent } from "undici8";
import { isFailure, Session, type SessionOptions } from "@holdfast/http";
import { faultOrigin, respond } from "@holdfast/http/testing";
import { interceptor } from "@holdfast/http/undici";

// No name ends in .test (RFC 6761): a request that no mock sees fails.
const url = "http://api.test";
const secureUrl = "https://api.test";

function newSession(t: TestContext, options: SessionOptions = {}): Session {
  const session = new Session({
    trustEnvironment: false,
    timeout: "20s",
    retry: { backoffFactor: 0 },
    ...options,
  });
  t.after(() => session.close());
  return session;
}

function useNock(t: TestContext): void {
  if (!nock.isActive()) nock.activate();
  nock.disableNetConnect();
  t.after(() => {
    nock.cleanAll();
    nock.enableNetConnect();
    nock.restore();
  });
}

function useMsw(t: TestContext, ...handlers: RequestHandler[]): void {
  const server = setupServer(...handlers);
  server.listen({ onUnhandledFrame: "error" });
  t.after(() => server.close());
}

for (const base of [url, secureUrl]) {
  const scheme = new URL(base).protocol;

  test(`nock replies to a session by name over ${scheme}, and its failures are retried`, async (t) => {
    useNock(t);
    const mock = nock(base).get("/a").query({ b: "c" }).reply(503).get("/a?b=c").reply(200, { ok: true });
    const session = newSession(t);

    const response = await session.get(`${base}/a?b=c`);

    assert.deepEqual([response.status, await response.json()], [200, { ok: true }]);
    assert.ok(mock.isDone());
  });

  test(`nock matches the body of a session's POST over ${scheme}`, async (t) => {
    useNock(t);
    nock(base).post("/a", { name: "value" }).reply(201, "made");
    const session = newSession(t);

    const response = await session.post(`${base}/a`, { json: { name: "value" } });

    assert.deepEqual([response.status, await response.text()], [201, "made"]);
  });

  test(`msw replies to a session by name over ${scheme}, and its failures are retried`, async (t) => {
    const bodies: string[] = [];
    useMsw(
      t,
      http.put(`${base}/a`, async ({ request }) => {
        bodies.push(await request.text());
        return bodies.length < 3 ? new HttpResponse(null, { status: 503 }) : HttpResponse.json({ ok: true });
      }),
    );
    const session = newSession(t);

    const response = await session.put(`${base}/a`, { body: "payload" });

    assert.deepEqual([response.status, await response.json()], [200, { ok: true }]);
    assert.deepEqual(bodies, ["payload", "payload", "payload"]);
  });
}

test("a network error of nock is a ConnectionError, and is retried", async (t) => {
  useNock(t);
  nock(url).get("/a").replyWithError("broken").get("/a").reply(200, "fine");
  const session = newSession(t);

  const response = await session.get(`${url}/a`);

  assert.equal(await response.text(), "fine");
});

test("a network error of msw is a ConnectionError, and is retried", async (t) => {
  let requests = 0;
  useMsw(
    t,
    http.get(`${url}/a`, () => ((requests += 1) < 2 ? HttpResponse.error() : HttpResponse.text("fine"))),
  );
  const session = newSession(t);

  const response = await session.get(`${url}/a`);

  assert.equal(await response.text(), "fine");
});

test("a request that nock does not allow rejects with nock's error as the cause", async (t) => {
  useNock(t);
  const session = newSession(t, { retry: false });

  const error: unknown = await session.get(`${url}/unknown`).catch((reason: unknown) => reason);

  assert.ok(isFailure(error));
  assert.match(String(error.cause), /Disallowed net connect for "api\.test:80/);
});

test("a session streams the body of a mock", async (t) => {
  useMsw(
    t,
    http.get(`${secureUrl}/a`, () => HttpResponse.text("a".repeat(300_000))),
  );
  const session = newSession(t);

  const response = await session.get(`${secureUrl}/a`, { stream: true });

  let bytes = 0;
  for await (const piece of response.body) bytes += piece.length;
  assert.equal(bytes, 300_000);
});

test("a session reaches a real server through msw and through nock", async (t) => {
  await using origin = await faultOrigin({ routes: { "/a": respond(200, { body: "real" }) } });
  const server = setupServer(http.get(`${url}/a`, () => HttpResponse.text("mocked")));
  server.listen({ onUnhandledFrame: "bypass" });
  t.after(() => server.close());
  const session = newSession(t);

  for (const host of ["127.0.0.1", "localhost"]) {
    const real = await session.get(`http://${host}:${origin.port}/a`);
    assert.equal(await real.text(), "real");
  }
  const mocked = await session.get(`${url}/a`);

  assert.equal(await mocked.text(), "mocked");
});

test("a session that kept a connection before a mock began still reaches its server after it", async (t) => {
  await using origin = await faultOrigin({ routes: { "/a": respond(200, { body: "real" }) } });
  const session = newSession(t);
  await session.get(`${origin.url}/a`);
  useMsw(
    t,
    http.get(`${url}/a`, () => HttpResponse.text("mocked")),
  );

  const mocked = await session.get(`${url}/a`);
  const real = await session.get(`${origin.url}/a`);

  assert.deepEqual([await mocked.text(), await real.text()], ["mocked", "real"]);
});

test("an interceptor of all HTTP requests sees a session", async (t) => {
  const interceptor = new HttpRequestInterceptor();
  interceptor.on("request", ({ request, controller }) =>
    controller.respondWith(new Response(`${request.method} ${request.url}`)),
  );
  interceptor.apply();
  t.after(() => interceptor.dispose());
  const session = newSession(t);

  const response = await session.get(`${secureUrl}/a?b=c`);

  assert.equal(await response.text(), `GET ${secureUrl}/a?b=c`);
});

test("a MockAgent of undici replies below the retries of an interceptor, and gets each body whole", async () => {
  const agent = new MockAgent();
  agent.disableNetConnect();
  const match = { path: "/a", method: "PUT", body: "payload" };
  agent.get(url).intercept(match).reply(503).times(2);
  agent.get(url).intercept(match).reply(200, "fine");
  const dispatcher = agent.compose(interceptor({ retry: { total: 3, backoffFactor: 0 } }) as never);

  const response = await undiciFetch(`${url}/a`, { method: "PUT", body: "payload", dispatcher });

  assert.deepEqual([response.status, await response.text()], [200, "fine"]);
  agent.assertNoPendingInterceptors();
  await agent.close();
});
