import assert from "node:assert/strict";
import { test } from "node:test";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";
import { apiKeyAuth } from "./api-key-auth.ts";

const url = "https://a.test/x?q=1";

test("sends the key in a header, by default X-Api-Key, and keeps the caller's own", async () => {
  const { session, adapter } = scripted([{}]);

  await session.get(url, { auth: apiKeyAuth("k1") });
  await session.get(url, { auth: apiKeyAuth(async () => "k2", { header: "X-Key" }) });
  await session.get(url, { auth: apiKeyAuth("k3"), headers: { "x-api-key": "mine" } });

  const [first, second, third] = adapter.requests;
  assert.equal(first?.headers["x-api-key"], "k1");
  assert.equal(second?.headers["x-key"], "k2");
  assert.equal(third?.headers["x-api-key"], "mine");
});

test("sends the key in a query parameter, and shows it in no record", async () => {
  const { session, adapter } = scripted([{ status: 503 }, {}]);

  const { attempts } = await session.get(url, { auth: apiKeyAuth("s3cret", { param: "key" }) });

  assert.deepEqual(
    adapter.requests.map((request) => request.url),
    [`${url}&key=s3cret`, `${url}&key=s3cret`],
  );
  assert.equal(attempts.length, 2);
  assert.ok(!JSON.stringify(attempts).includes("s3cret"));
});

test("a key does not follow a redirect to another origin", async () => {
  const { session, adapter } = scripted([{ status: 302, headers: { location: "https://b.test/" } }, {}]);

  await session.get(url, { auth: apiKeyAuth("k1", { header: "X-Other" }) });

  assert.equal(adapter.requests[1]?.headers["x-other"], undefined);
});

test("a key that is refused is not sent again", async () => {
  const { session, adapter } = scripted([{ status: 401 }]);

  assert.equal((await session.get(url, { auth: apiKeyAuth("k1") })).status, 401);
  assert.equal(adapter.requests.length, 1);
});

test("refuses a wrong key or place by name", async () => {
  assert.throws(
    // @ts-expect-error -- no key
    () => apiKeyAuth(undefined),
    /apiKeyAuth takes a key, or a function that returns one, got undefined/,
  );
  assert.throws(() => apiKeyAuth("k", { header: "a b" }), /apiKeyAuth takes \{ header/);
  const { session } = scripted([{}]);
  // @ts-expect-error -- not credentials
  const error = await catchFailure(session.get(url, { auth: () => ({ key: "s3cret" }) }));
  assert.match(error.message, /auth must return .*got an object/);
});
