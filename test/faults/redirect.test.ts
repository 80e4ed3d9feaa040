import assert from "node:assert/strict";
import { echo, redirect, respond, type FaultOrigin, type RecordedRequest } from "@holdfast/http/testing";
import { certificates } from "../support/certificates.ts";
import { faultOrigin, test } from "./protocol.ts";
import { outcomeOf, scenarios, sessionFor } from "./scenario.ts";

const arrived = respond(200, { body: "arrived\n" });
const credentials = {
  authorization: "Bearer secret",
  cookie: "id=secret",
  "proxy-authorization": "Basic secret",
};

scenarios({
  "redirect.limit-respected": {
    origin: { routes: { "/*": ({ path }) => redirect(`/${Number(path.slice(1) || 0) + 1}`) } },
    request: { maxRedirects: 5 },
    expect: { outcome: "error", error: { code: "ERR_TOO_MANY_REDIRECTS" }, attempts: { min: 5, max: 7 } },
  },
  "redirect.relative": {
    origin: {
      routes: {
        "/": redirect("a/b/c"),
        "/a/b/c": redirect("../d/./e"),
        "/a/d/e": redirect("?q=1"),
        "/a/*": redirect("/never"),
      },
    },
    ask: (session, { url }) => session.get(`${url}/`, { maxRedirects: 3 }),
    expect: { outcome: "error", attempts: 4 },
  },
  "redirect.no-location": {
    origin: { routes: { "/": respond(302, { body: "nowhere\n" }) } },
    expect: { outcome: "either", status: 302, attempts: 1 },
  },
  "redirect.foreign-scheme": {
    origin: { routes: { "/": redirect("file:///etc/passwd") } },
    expect: { outcome: "either", status: 302, attempts: 1 },
  },
  "redirect: a loop is not multiplied by retries": {
    origin: { routes: { "/": redirect("/") } },
    request: { maxRedirects: 4 },
    expect: { outcome: "error", attempts: 5 },
  },
});

for (const status of [301, 302, 303]) {
  test(`redirect.301-302-post: a POST redirected with ${status} becomes a GET without a body`, async () => {
    const request = await followed(status);

    assert.deepEqual(
      [request.method, request.body.toString(), request.headers["content-type"]],
      ["GET", "", undefined],
    );
  });
}

for (const status of [307, 308]) {
  test(`redirect.307-308-post: a POST redirected with ${status} keeps its method and its body`, async () => {
    const request = await followed(status);

    assert.deepEqual([request.method, request.body.toString()], ["POST", "a=b"]);
  });
}

async function followed(status: number): Promise<RecordedRequest> {
  await using origin = await faultOrigin({ routes: { "/": redirect("/there", status), "/there": arrived } });
  await using session = await sessionFor();

  const { response } = await outcomeOf(
    session.post(`${origin.url}/`, { body: new URLSearchParams({ a: "b" }) }),
  );

  assert.equal(await response?.text(), "arrived\n");
  const last = origin.requests.at(-1);
  assert.ok(last !== undefined);
  return last;
}

function secrets(origin: FaultOrigin): readonly string[] {
  const { headers = {} } = origin.requests.at(-1) ?? {};
  return Object.keys(credentials).filter((name) => headers[name] !== undefined);
}

test("redirect.cross-host-strip: credentials are not sent to another host or port", async () => {
  await using there = await faultOrigin({ routes: { "/": arrived } });
  for (const host of ["127.0.0.1", "localhost"]) {
    await using here = await faultOrigin({
      routes: { "/": redirect(`${there.url.replace("127.0.0.1", host)}/`) },
    });
    await using session = await sessionFor();

    const { response } = await outcomeOf(session.get(`${here.url}/`, { headers: credentials }));

    assert.equal(response?.status, 200);
    assert.deepEqual(secrets(there), []);
  }
});

test("redirect.https-to-http: a downgrade sends no credentials", async () => {
  const { ca, good } = await certificates();
  await using there = await faultOrigin({ routes: { "/": arrived } });
  await using here = await faultOrigin({ tls: good, routes: { "/": redirect(`${there.url}/`) } });
  await using session = await sessionFor({ adapter: { tls: { ca: ca.cert } } });

  await outcomeOf(session.get(`${here.url}/`, { headers: credentials }));

  assert.deepEqual(secrets(there), []);
});

test("redirect.same-origin-keeps-auth", async () => {
  await using origin = await faultOrigin({ routes: { "/": redirect("/there"), "/there": echo() } });
  await using session = await sessionFor();

  const { response } = await outcomeOf(
    session.get(`${origin.url}/`, { headers: { authorization: "Bearer secret" } }),
  );

  assert.equal(response?.status, 200);
  assert.equal(origin.requests.at(-1)?.headers["authorization"], "Bearer secret");
});
