import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import type { SessionOptions } from "../call/options.ts";
import { ReadTimeoutError } from "../errors/transport-errors.ts";
import { faultOrigin } from "../testing/origin/fault-origin.ts";
import { respond } from "../testing/replies/respond.ts";
import { scriptedAdapter } from "../testing/scripted/scripted-adapter.ts";
import type { MockMatch, MockReplyInit, SessionMock } from "./mock.ts";
import { Session } from "./session.ts";

const url = "https://api.test/users";

interface Mocked {
  readonly session: Session;
  readonly mock: SessionMock;
}

async function mocked(options: SessionOptions = {}): Promise<Mocked> {
  const session = new Session({ clock: fakeClock(), random: () => 0, trustEnvironment: false, ...options });
  return { session, mock: await session.mock() };
}

async function errorOf(call: Promise<unknown>): Promise<Error & { readonly cause?: unknown }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error);
  return error;
}

test("a mocked session gets the replies in their order, and its retries use them", async () => {
  const { session, mock } = await mocked();
  mock.on(url, { status: 503, headers: { "Retry-After": "5" } }, { json: { name: "Ada" } }, { body: "last" });

  const first = await session.get(url);
  const second = await session.get(url);

  assert.deepEqual(await first.json(), { name: "Ada" });
  assert.equal(first.attempts.length, 2);
  assert.equal(first.attempts[0]?.delay, 5_000);
  assert.equal(await second.text(), "last");
  mock.assertDone();
});

test("a request that no reply matches rejects, is not retried, and the message lists the mock", async () => {
  const { session, mock } = await mocked();
  mock.on(url, { body: "one" });
  await session.get(url);

  const error = await errorOf(session.get("https://other.test/?token=s3cret"));
  const usedUp = await errorOf(session.get(url));

  assert.match(error.message, /GET https:\/\/other\.test\/.* mocked, .*GET https:\/\/api\.test\/users \(all/);
  assert.match(usedUp.message, /no reply matches/);
  assert.equal(mock.requests.length, 3);
  assert.throws(() => mock.assertDone(), /Refused: GET https:\/\/other\.test\//);
});

const matched: readonly (readonly [what: string, match: string | URL | MockMatch, isMatched: boolean])[] = [
  ["a URL of another request", "https://api.test/users/2", false],
  ["the URL with the parameters in another order", "https://api.test/users?b=2&a=1", true],
  ["the URL without its query", url, false],
  ["a URL object", new URL(`${url}?a=1&b=2`), true],
  ["a pattern", { method: "POST", url: /\/users\?a=1/ }, true],
  ["a function", { method: "POST", url: ({ searchParams }) => searchParams.get("a") === "1" }, true],
  ["another method", { method: "PUT", url: /users/ }, false],
  ["a body as JSON", { method: "post", url: /users/, body: { name: "Ada", tags: [1] } }, true],
  ["another body as JSON", { method: "POST", url: /users/, body: { name: "Ada" } }, false],
  ["a body as text", { method: "POST", url: /users/, body: '{"name":"Ada","tags":[1]}' }, true],
  ["a pattern of a body", { method: "POST", url: /users/, body: /"Bob"/ }, false],
  ["a test of a body", { method: "POST", url: /users/, body: (text) => text.length > 3 }, true],
  ["a header", { method: "POST", url: /users/, headers: { "Content-Type": /json/ } }, true],
  ["another header", { method: "POST", url: /users/, headers: { "x-key": "1" } }, false],
];

for (const [what, match, isMatched] of matched) {
  test(`a mock for ${what} ${isMatched ? "matches" : "does not match"}`, async () => {
    const { session, mock } = await mocked();
    const isUrl = typeof match === "string" || match instanceof URL;
    mock.on(isUrl ? { method: "POST", url: match } : match, { status: 201 });

    const call = session.post(`${url}?a=1&b=2`, { json: { name: "Ada", tags: [1] } });

    assert.equal(
      await call.then(
        ({ status }) => status,
        () => 0,
      ),
      isMatched ? 201 : 0,
    );
  });
}

test("a mock fails requests in the ways of a network, which are retried", async () => {
  const { session, mock } = await mocked({ retry: { total: 3, backoffFactor: 0 } });
  mock.on(url, { error: "refused" }, { error: "reset" }, { error: "timeout" }, { body: "fine" });

  const response = await session.get(url);

  assert.equal(await response.text(), "fine");
  assert.deepEqual(
    response.attempts.map(({ error }) => error?.name),
    ["ConnectionError", "ConnectionError", "ReadTimeoutError", undefined],
  );
});

test("an error of a mock rejects the call", async () => {
  const { session, mock } = await mocked();
  const own = new RangeError("own");
  mock.on(url, { error: own });

  const error = await errorOf(session.get(url));

  assert.ok(error === own || error.cause === own);
});

test("a delay takes the time of the session's clock, and its limits apply", async () => {
  const { session, mock } = await mocked({ retry: false, timeout: { read: "10s" } });
  mock.on(url, { delay: "9s", body: "late" }, { delay: "11s" });

  const response = await session.get(url);
  const error = await errorOf(session.get(url));

  assert.equal(response.elapsed, 9_000);
  assert.ok(error instanceof ReadTimeoutError);
});

test("a reply may be a function of the request, and may come several times", async () => {
  const { session, mock } = await mocked();
  const echo: MockReplyInit = ({ method, body }) => ({ body: `${method} ${body}` });
  mock.on({ method: "PUT", url }, { body: "twice", times: 2 }, echo);

  const bodies: string[] = [];
  for (const body of ["a", "b", "c"]) bodies.push(await session.put(url, { body }).text());

  assert.deepEqual(bodies, ["twice", "twice", "PUT c"]);
});

test("a reply without an end counts as used after one request", async () => {
  const { session, mock } = await mocked();
  mock.on(url, { times: Infinity });

  assert.throws(() => mock.assertDone(), /Not used: GET https:\/\/api\.test\/users: 1 of 1 replies/);
  await session.get(url);
  await session.get(url);

  mock.assertDone();
});

test("a path of a mock is below the baseUrl of the session", async () => {
  const { session, mock } = await mocked({ baseUrl: "https://api.test/v1/" });
  mock.on("/users", { body: "found" });

  assert.equal(await session.get("users").text(), "found");
});

test("a mock streams, follows redirects and stores cookies as a network does", async () => {
  const { session, mock } = await mocked();
  mock
    .on(url, { status: 302, headers: { location: "/moved", "set-cookie": "a=1" } })
    .on({ url: "https://api.test/moved", headers: { cookie: "a=1" } }, { body: "streamed" });

  const response = await session.get(url, { stream: true });

  assert.equal(await response.text(), "streamed");
});

test("a mock covers mounted adapters, and the sessions that extend its own", async () => {
  const session = new Session({ trustEnvironment: false });
  const before = session.extend({ headers: { a: "1" } });
  session.mount("https://api.test/", scriptedAdapter([{ status: 418 }]));
  const own = session.extend({ maxConnections: 1 });
  using mock = await session.mock();
  mock.on(url, { body: "mocked", times: 3 });

  for (const each of [session, before, own]) assert.equal(await each.get(url).text(), "mocked");
});

test("a session has its network back after the mock", async () => {
  await using origin = await faultOrigin({ routes: { "/": respond(200, { body: "real" }) } });
  await using session = new Session({ trustEnvironment: false });
  {
    using mock = await session.mock();
    mock.on(origin.url, { body: "mocked" });
    assert.equal(await session.get(origin.url).text(), "mocked");
  }

  assert.equal(await session.get(origin.url).text(), "real");
});

const wrong: readonly (readonly [match: unknown, reply: unknown, message: RegExp])[] = [
  [{ uri: url }, {}, /mock\.on has no option "uri": did you mean url\?/],
  [{ method: "GET" }, {}, /mock\.on needs a url/],
  [url, { statusCode: 200 }, /mock\.on: reply 1 has no option "statusCode": did you mean status\?/],
  [url, { status: 99 }, /mock\.on: reply 1\.status takes a status from 200 to 599, got 99/],
  [url, { body: "a", json: 1 }, /takes body or json, got both/],
  [url, { error: "broken" }, /reply 1\.error takes "refused", "reset", "timeout" or an Error/],
  [url, { delay: -1 }, /reply 1\.delay takes milliseconds/],
];

for (const [match, reply, message] of wrong) {
  test(`a mock refuses ${JSON.stringify(match)} with ${JSON.stringify(reply)}`, async () => {
    const { mock } = await mocked();

    assert.throws(() => mock.on(match as MockMatch, reply as MockReplyInit), message);
  });
}
