import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOrigin, respond } from "../testing/index.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";
import { Session } from "./session.ts";

const url = "https://a.test/";

test("an extended session merges headers, parameters, hooks, retries and timeouts", async () => {
  const seen: string[] = [];
  const { session, adapter } = scripted([{ status: 503 }], {
    headers: { "X-A": "1", "x-b": "1", accept: "text/plain" },
    params: { a: 1, b: 1 },
    hooks: { request: [() => void seen.push("first")] },
    retry: { total: 2, retryAfterMax: "1s" },
  });

  const child = session.extend({
    headers: { "x-b": "2", accept: undefined },
    params: { b: 2 },
    hooks: { request: [() => void seen.push("second")] },
    retry: { total: 1 },
  });
  await child.get(url);

  const [sent] = adapter.requests;
  assert.deepEqual(
    [sent?.headers["x-a"], sent?.headers["x-b"], sent?.headers["accept"], sent?.headers["user-agent"]],
    ["1", "2", undefined, "holdfast"],
  );
  assert.equal(sent?.url, `${url}?b=2&a=1`);
  assert.deepEqual([adapter.requests.length, seen.slice(0, 2)], [2, ["first", "second"]]);
});

test("the session that is extended stays as it is", async () => {
  const { session, adapter } = scripted([{}], { headers: { "x-a": "1" } });

  session.extend({ headers: { "x-a": "2" }, hooks: { request: [() => assert.fail()] } });
  await session.get(url);

  assert.equal(adapter.requests[0]?.headers["x-a"], "1");
});

test("options with undefined change nothing", async () => {
  const { session, adapter } = scripted([{}], { baseUrl: "https://a.test/v1" });

  // @ts-expect-error -- as JavaScript passes it
  await session.extend({ baseUrl: undefined }).get("users");

  assert.equal(adapter.requests[0]?.url, "https://a.test/v1/users");
});

for (const [what, options, sent] of [
  ["another path of its origin", { baseUrl: "https://a.test/v2" }, "secret secret 1"],
  ["another origin", { baseUrl: "https://b.test/" }, "undefined undefined 1"],
  [
    "another origin that may have them",
    { baseUrl: "https://b.test/", sendCredentialsTo: ["https://b.test"] },
    "secret secret 1",
  ],
] as const) {
  test(`extending to ${what} sends: ${sent}`, async () => {
    const { session, adapter } = scripted([{}], {
      baseUrl: "https://a.test/v1",
      auth: () => "secret",
      headers: { "x-api-key": "secret", "x-a": "1" },
    });

    await session.extend(options).get("users");

    const headers = adapter.requests[0]?.headers ?? {};
    assert.equal(
      [headers["authorization"], headers["x-api-key"], headers["x-a"]].map(String).join(" "),
      sent,
    );
  });
}

test("both sessions share cookies, connections and the retry budget", async () => {
  await using origin = await faultOrigin({
    routes: { "/": respond(200, { headers: { "set-cookie": "a=1" } }), "/other": respond(200) },
  });
  await using session = new Session();
  const child = session.extend({ headers: { "x-a": "1" } });

  await session.get(origin.url);
  await child.get(`${origin.url}/other`);

  assert.equal(origin.requests[1]?.headers["cookie"], "a=1");
  assert.equal(origin.connections, 1);
});

test("an option about connections or cookies gives the new session its own", async () => {
  await using origin = await faultOrigin({
    routes: { "*": respond(200, { headers: { "set-cookie": "a=1" } }) },
  });
  await using session = new Session();
  await using child = session.extend({ maxConnections: 1, cookies: false });

  await session.get(origin.url);
  await child.get(origin.url);

  assert.equal(origin.requests[1]?.headers["cookie"], undefined);
  assert.equal(origin.connections, 2);
});

test("a child that closes leaves its parent's connections open", async () => {
  await using origin = await faultOrigin({ routes: { "*": respond(200) } });
  await using session = new Session();
  const child = session.extend({});
  await session.get(origin.url);

  await child.close();
  await session.get(origin.url);

  assert.equal(origin.connections, 1);
  assert.equal((await catchFailure(child.get(origin.url)))["code"], "ERR_SESSION_CLOSED");
});

test("closing the parent ends the calls and waits of its children", async () => {
  const { session } = scripted([{ status: 503, headers: { "retry-after": "60" } }], {
    clock: {
      now: () => 0,
      date: () => 0,
      sleep: (_delay, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        }),
    },
  });
  const grandchild = session.extend({}).extend({});

  const waiting = catchFailure(grandchild.get(url));
  setImmediate(() => void session.close());

  assert.equal((await waiting)["code"], "ERR_SESSION_CLOSED");
  assert.equal((await catchFailure(grandchild.get(url)))["code"], "ERR_SESSION_CLOSED");
});

test("methods work without their session", async () => {
  const { session, adapter } = scripted([{ body: "[1]" }]);
  const { get, post, request, paginate } = session;

  await get(url);
  await post(url, { json: 1 });
  await request("PUT", url);
  assert.deepEqual(await Array.fromAsync(paginate(url)), [1]);

  assert.deepEqual(
    adapter.requests.map(({ method }) => method),
    ["GET", "POST", "PUT", "GET"],
  );
  assert.deepEqual(Object.keys(session), ["hooks", "cookies"]);
});

test("extend refuses a wrong option by name", () => {
  const { session } = scripted([{}]);

  // @ts-expect-error -- a string is no number
  assert.throws(() => session.extend({ maxBytes: "1" }), /^TypeError: extend\.maxBytes/);
});

for (const status of [204, 205]) {
  test(`json() of a ${status} is undefined`, async () => {
    const { session } = scripted([{ status }]);

    assert.equal(await session.get(url).json(), undefined);
  });
}

test("json() of an empty 200 is an error", async () => {
  const { session } = scripted([{}]);

  await assert.rejects(session.get(url).json(), SyntaxError);
});
