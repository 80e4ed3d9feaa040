import assert from "node:assert/strict";
import { test } from "node:test";
import { CookieJar } from "tough-cookie";
import { bearerAuth } from "../auth/bearer-auth.ts";
import { logTo } from "../telemetry/log.ts";
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
  ["a URL below its path", "a=1; Path=/x", "https://a.test/x/y", "a=1"],
  ["a URL with another path", "a=1; Path=/x", "https://a.test/z", undefined],
  ["a subdomain of its domain", "a=1; Domain=a.test; Path=/", "https://sub.a.test/", "a=1"],
  ["a subdomain of its host", "a=1; Path=/", "https://sub.a.test/", undefined],
  ["plain HTTP, for a secure cookie", "a=1; Secure; Path=/", "http://a.test/", undefined],
  ["plain HTTP", "a=1; Path=/", "http://a.test/", "a=1"],
  ["another domain", "a=1; Domain=b.test; Path=/", "https://b.test/", undefined],
  ["its host after it has expired", "a=1; Max-Age=0; Path=/", "https://a.test/", undefined],
];

for (const [what, line, at, sent] of rules) {
  test(`the session ${sent === undefined ? "does not send" : "sends"} the cookie ${line} to ${what}`, async () => {
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

test("the caller's Cookie header is sent, but not to another origin", async () => {
  const play = scripted([sets("a=1; Path=/"), { status: 302, headers: { location: "https://b.test/" } }, {}]);

  await play.session.get(url);
  await play.session.get(url, { headers: { Cookie: "own=1" } });

  assert.deepEqual(cookiesSent(play), [undefined, "own=1; a=1", undefined]);
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

const merged: readonly (readonly [own: string | readonly string[], sent: string])[] = [
  ["own=1", "own=1; a=1; b=2"],
  ["a=own", "a=own; b=2"],
  ["b=own; a=own", "b=own; a=own"],
  ["A=own;; c=3 ;", "A=own; c=3; a=1; b=2"],
  [["c=3", "a=own"], "c=3; a=own; b=2"],
  ["b", "b; a=1"],
  ["", "a=1; b=2"],
];

for (const [own, sent] of merged) {
  test(`the caller's cookies ${JSON.stringify(own)} and the stored a=1; b=2 are sent as ${sent}`, async () => {
    const play = scripted([sets("a=1; Path=/", "b=2; Path=/"), {}]);

    await play.session.get(url);
    await play.session.get(url, { headers: { cookie: own as string } });

    assert.equal([cookiesSent(play)[1]].flat().join("; "), sent);
  });
}

test("stored cookies are merged again for each redirect", async () => {
  const play = scripted([
    { status: 302, headers: { location: "/two", "set-cookie": ["a=1; Path=/"] } },
    { status: 302, headers: { location: "/three", "set-cookie": ["own=jar; Path=/", "a=2; Path=/"] } },
    {},
  ]);

  await play.session.get(url, { headers: { cookie: "own=1" } });

  assert.deepEqual(cookiesSent(play), ["own=1", "own=1; a=1", "own=1; a=2"]);
});

const domains: readonly (readonly [line: string, from: string, sentTo: readonly string[]])[] = [
  ["a=1; Domain=localhost; Path=/", "http://localhost:81/", ["http://localhost/"]],
  ["a=1; Domain=.LOCALHOST; Path=/", "http://localhost/", ["http://localhost/"]],
  ["a=1; Path=/; domain=intranet", "http://intranet/", ["http://intranet/", "http://intranet./"]],
  ["a=1; Domain=intranet.; Path=/", "http://intranet/", ["http://intranet/", "http://intranet./"]],
  ["a=1; Domain=github.io; Path=/", "http://github.io/", ["http://github.io/"]],
  ["a=1; Domain=co.uk; Path=/", "http://co.uk/", ["http://co.uk/"]],
  [
    "a=1; Domain=a.test; Path=/",
    "http://a.test./",
    ["http://a.test/", "http://a.test./", "http://www.a.test./"],
  ],
  [
    "a=1; Domain=a.test.; Path=/",
    "http://www.a.test/",
    ["http://a.test/", "http://a.test./", "http://www.a.test./"],
  ],
  ["a=1; Path=/", "http://A.test./", ["http://a.test/", "http://a.test./"]],
  ["a=1; Domain=b\u00fccher.test; Path=/", "http://www.xn--bcher-kva.test/", ["http://xn--bcher-kva.test/"]],
  ["a=1; Domain=; Path=/", "http://a.test/", ["http://a.test/", "http://a.test./"]],
  [
    "a=1; Domain=b.test; Domain=intranet; Path=/",
    "http://intranet/",
    ["http://intranet/", "http://intranet./"],
  ],
  ["a=1; Domain=intranet; Domain=b.test; Path=/", "http://intranet/", []],
  ["a=1; Domain=github.io; Path=/", "http://www.github.io/", []],
  ["a=1; Domain=127.0.0.1; Path=/", "http://127.0.0.1/", ["http://127.0.0.1/"]],
];
const places =
  "localhost www.localhost intranet intranet. www.intranet github.io www.github.io co.uk b.co.uk a.test a.test. www.a.test. xn--bcher-kva.test b.test 127.0.0.1"
    .split(" ")
    .map((host) => `http://${host}/`);

for (const [line, from, sentTo] of domains) {
  test(`${line} of ${from} is sent to ${sentTo.join(" ") || "no host"}`, async () => {
    const play = scripted([sets(line), {}]);
    await play.session.get(from);

    for (const place of places) await play.session.get(place);

    const sent = places.filter((_, index) => cookiesSent(play)[index + 1] === "a=1");
    assert.deepEqual(sent, sentTo);
  });
}

test("every refused cookie is reported without its value, and logged at debug", async () => {
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const play = scripted(
    [
      sets(
        "s1=secret; Domain=b.test",
        "s2=secret; Domain=test",
        "__Host-s3=secret; Path=/",
        "s4=secret; Path=/",
      ),
      {},
    ],
    { hooks: logTo({ debug: log, warn: log, error: log }) },
  );
  const reported: unknown[] = [];
  play.session.hooks.cookieRefused.push((cookie, request) =>
    reported.push([cookie.name, cookie.reason, request.url.href]),
  );

  await play.session.get(url);
  await play.session.get(url);

  assert.equal(cookiesSent(play)[1], "s4=secret");
  assert.deepEqual(
    reported.map((each) => Object(each)[0]),
    ["s1", "s2", "__Host-s3"],
  );
  assert.ok(reported.every((each) => String(Object(each)[1]).length > 10 && Object(each)[2] === url));
  const refusals = lines.filter((line) => line.includes("refused"));
  assert.equal(refusals.length, 3);
  assert.ok(refusals.every((line) => !line.includes("secret")));
  assert.match(
    refusals[0] ?? "",
    /^GET https:\/\/a\.test\/x set the cookie "s1", which was refused: .*domain/,
  );
});

test("cookies beyond the first 180 of a response are one report", async () => {
  const play = scripted([sets(...Array.from({ length: 6_000 }, (_, index) => `c${index}=1`)), {}]);
  const reported: string[] = [];
  play.session.hooks.cookieRefused.push(({ name, reason }) => reported.push(`${name}: ${reason}`));

  await play.session.get(url);

  assert.deepEqual(reported, ["c180: A response may set 180 cookies, and this one set 6000"]);
});
