import assert from "node:assert/strict";
import { test } from "node:test";
import { CookieJar } from "tough-cookie";
import { bearerAuth } from "../auth/bearer-auth.ts";
import { scripted, type ScriptedSession } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/x";

function cookiesSent({ adapter }: ScriptedSession): readonly unknown[] {
  return adapter.requests.map(({ headers }) => headers["cookie"]);
}

function sets(...lines: readonly string[]): {
  readonly headers: Readonly<Record<string, readonly string[]>>;
} {
  return { headers: { "set-cookie": lines } };
}

test("a cookie is sent with the next request to its host, and to no other", async () => {
  const play = scripted([sets("a=1; Path=/", "b=2; Path=/"), {}]);

  await play.session.get(url);
  await play.session.get(url);
  await play.session.get("https://b.test/");

  assert.deepEqual(cookiesSent(play), [undefined, "a=1; b=2", undefined]);
});

const rules: readonly (readonly [what: string, line: string, at: string, sent: string | undefined])[] = [
  ["a path", "a=1; Path=/x", "https://a.test/x/y", "a=1"],
  ["another path", "a=1; Path=/x", "https://a.test/z", undefined],
  ["its subdomain", "a=1; Domain=a.test; Path=/", "https://sub.a.test/", "a=1"],
  ["a subdomain of a host's own", "a=1; Path=/", "https://sub.a.test/", undefined],
  ["plain HTTP for a secure one", "a=1; Secure; Path=/", "http://a.test/", undefined],
  ["plain HTTP", "a=1; Path=/", "http://a.test/", "a=1"],
  ["another's domain", "a=1; Domain=b.test; Path=/", "https://b.test/", undefined],
  ["what has expired", "a=1; Max-Age=0; Path=/", "https://a.test/", undefined],
];

for (const [what, line, at, sent] of rules) {
  test(`${line} at ${what}: ${sent ?? "not sent"}`, async () => {
    const play = scripted([sets(line), {}]);

    await play.session.get(url);
    await play.session.get(at);

    assert.equal(cookiesSent(play)[1], sent);
  });
}

test("a cookie of a redirect is sent with the following redirects, to its host only", async () => {
  const to = (location: string, ...lines: readonly string[]): object => ({
    status: 302,
    headers: { location, "set-cookie": lines },
  });
  const play = scripted([
    to("/two", "a=1; Path=/"),
    to("https://b.test/", "b=2; Path=/"),
    to("https://a.test/three", "c=3; Path=/"),
    {},
  ]);

  const response = await play.session.get(url);

  assert.deepEqual(cookiesSent(play), [undefined, "a=1", undefined, "a=1; b=2"]);
  assert.deepEqual(
    response.history.map(({ status }) => status),
    [302, 302, 302],
  );
});

test("a cookie of a retried response is sent with the next attempt", async () => {
  const play = scripted([{ status: 503, ...sets("a=1") }, {}]);

  await play.session.get(url);

  assert.deepEqual(cookiesSent(play), [undefined, "a=1"]);
});

test("a cookie of a 401 is sent with the authenticated request", async () => {
  const play = scripted([{ status: 401, ...sets("stale=1; Path=/") }, {}], { auth: bearerAuth(() => "t") });

  await play.session.get(url);

  assert.deepEqual(cookiesSent(play), [undefined, "stale=1"]);
});

test("the caller's Cookie header is sent unchanged, but not to another origin", async () => {
  const play = scripted([sets("a=1; Path=/"), { status: 302, headers: { location: "https://b.test/" } }, {}]);

  await play.session.get(url);
  await play.session.get(url, { headers: { Cookie: "own=1" } });

  assert.deepEqual(cookiesSent(play), [undefined, "own=1", undefined]);
});

test("a session with cookies switched off stores none", async () => {
  const play = scripted([sets("a=1; Path=/"), {}], { cookies: false });

  await play.session.get(url);
  await play.session.get(url);

  assert.deepEqual([cookiesSent(play), play.session.cookies], [[undefined, undefined], undefined]);
});

test("the caller's jar is read and written", async () => {
  const jar = new CookieJar();
  jar.setCookieSync("old=1; Path=/", url);
  const play = scripted([sets("new=2; Path=/"), {}], { cookies: jar });

  await play.session.get(url);

  assert.equal(cookiesSent(play)[0], "old=1");
  assert.equal(await jar.getCookieString(url), "old=1; new=2");
  assert.equal(await play.session.cookies?.jar(), jar);
});

test("an invalid cookie is ignored", async () => {
  const play = scripted([sets("=; ;;", "\u0000", "a=1; Path=/"), {}]);

  await play.session.get(url);
  const response = await play.session.get(url);

  assert.deepEqual([response.status, cookiesSent(play)[1]], [200, "a=1"]);
});
