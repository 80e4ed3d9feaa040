import assert from "node:assert/strict";
import { test } from "node:test";
import { types } from "node:util";
import type { ResponsePromise } from "./response-promise.ts";
import { type HttpResponse, StatusError } from "../model/response.ts";
import type { StandardSchema } from "../model/schema.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";

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

const anyBody: StandardSchema = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
};
const notFound = { status: 404, headers: { "content-type": "application/json" }, body: '{"message":"gone"}' };
const shortcuts: readonly (readonly [name: string, call: (promise: ResponsePromise) => Promise<unknown>])[] =
  [
    ["json()", (promise) => promise.json()],
    ["json(schema)", (promise) => promise.json(anyBody)],
    ["text()", (promise) => promise.text()],
    ["bytes()", async (promise) => (await promise.bytes()).byteLength],
  ];

for (const [name, call] of shortcuts) {
  test(`${name} of a call throws a StatusError for a 404, and its response has the body`, async () => {
    const { session } = scripted([notFound]);

    const error = await catchFailure(call(session.get("https://a.test/")));

    assert.ok(error instanceof StatusError);
    assert.match(error.message, /^GET https:\/\/a\.test\/ responded with 404: gone\. /);
    assert.deepEqual(await error.response.json(), { message: "gone" });
  });

  test(`${name} of a call reads the body of a 404 with throwOnStatus: false, of the request or of the session`, async () => {
    const { session } = scripted([notFound]);
    const { session: lenient } = scripted([notFound], { throwOnStatus: false });

    const bodies = [
      await call(session.get("https://a.test/", { throwOnStatus: false })),
      await call(lenient.get("https://a.test/")),
      await call(lenient.extend({ params: { a: 1 } }).get("https://a.test/")),
    ];

    assert.equal(new Set(bodies.map((body) => JSON.stringify(body))).size, 1);
    await assert.rejects(call(lenient.get("https://a.test/", { throwOnStatus: true })), StatusError);
  });

  test(`${name} of a call reads the body of a redirect that is not followed`, async () => {
    const { session } = scripted([{ ...notFound, status: 304 }]);

    await assert.doesNotReject(call(session.get("https://a.test/")));
  });
}

test("json(schema) of a call throws a StatusError for a page of a proxy, with the SyntaxError as the cause", async () => {
  const { session } = scripted([{ status: 502, body: "<html>" }], { retry: false });

  const error = await catchFailure(session.get("https://a.test/").json(User));

  assert.ok(error instanceof StatusError && error.cause instanceof SyntaxError);
});

test("a response that was awaited gives the body of a 404", async () => {
  const { session } = scripted([notFound]);

  const response = await session.get("https://a.test/");

  assert.deepEqual([response.status, await response.json()], [404, { message: "gone" }]);
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
