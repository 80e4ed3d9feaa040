import assert from "node:assert/strict";
import { test } from "node:test";
import { types } from "node:util";
import type { ResponsePromise } from "./response-promise.ts";
import { type HttpResponse, StatusError } from "../model/response.ts";
import type { StandardSchema } from "../model/schema.ts";
import { scripted } from "../testing/scripted/scripted-session.ts";

interface User {
  readonly id: number;
}

const User: StandardSchema<User> = {
  "~standard": { version: 1, vendor: "test", validate: () => ({ value: { id: 7 } }) },
};

test("reads the body directly from the promise", async () => {
  const { session } = scripted([{ body: '{"id":1}' }]);

  assert.deepEqual(await session.get("https://a.test/").json(), { id: 1 });
  assert.equal(await session.get("https://a.test/").text(), '{"id":1}');
  assert.equal((await session.get("https://a.test/").bytes()).byteLength, 8);
  assert.deepEqual(await session.get("https://a.test/").raiseForStatus().json(User), { id: 7 });
});

test("resolves to the response when it is awaited", async () => {
  const { session } = scripted([{ body: "x" }]);

  const promise = session.get("https://a.test/");

  assert.ok(types.isPromise(promise));
  assert.equal(promise.constructor, Promise);
  assert.equal((await promise).status, 200);
});

test("throws a StatusError before it parses the body", async () => {
  const { session } = scripted([{ status: 404, body: "<html>" }]);

  await assert.rejects(session.get("https://a.test/").raiseForStatus().json(User), StatusError);
});

for (const [what, url] of [
  ["an invalid URL", "nowhere"],
  ["a body and JSON together", "https://a.test/"],
] as const) {
  test(`rejects, and does not throw, for ${what}`, async () => {
    const { session } = scripted([{}]);
    const both = { body: "x", json: {} };

    await assert.rejects(session.post(url, both));
    await assert.rejects(session.post(url, both).text());
  });
}

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

test("types the body by its schema", () => {
  const { session } = scripted([{ body: "{}" }]);
  const inferred = (): readonly [
    Promise<User>,
    Promise<unknown>,
    Promise<User>,
    ResponsePromise,
    Promise<HttpResponse>,
  ] => {
    const promise = session.get("https://a.test/");
    const checked = promise.json(User);
    const unchecked = promise.json();
    const claimed = promise.json<User>();
    const proofs: readonly [
      Same<typeof checked, Promise<User>>,
      Same<typeof unchecked, Promise<unknown>>,
      Same<typeof claimed, Promise<User>>,
    ] = [true, true, true];
    assert.deepEqual(proofs, [true, true, true]);
    return [checked, unchecked, claimed, promise.raiseForStatus(), promise];
  };

  assert.equal(inferred().length, 5);
});
