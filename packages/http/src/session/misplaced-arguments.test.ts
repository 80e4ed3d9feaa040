import assert from "node:assert/strict";
import { test } from "node:test";
import { bearerAuth } from "../auth/bearer-auth.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";
import { Session } from "./session.ts";

const url = "https://a.test/";
const toSend = "Data to send goes into json, form or body";

/** Calls as users of other libraries write them, and the end of the message. */
const calls: readonly (readonly [method: keyof Session, args: readonly unknown[], message: string])[] = [
  ["post", [url, { name: "Ada" }], `. ${toSend}`],
  ["post", [url, "text"], `, got a string. ${toSend}`],
  ["post", [url, [1]], `, got a list. ${toSend}`],
  ["post", [url, new FormData()], toSend],
  ["post", [url, new URLSearchParams()], toSend],
  ["post", [url, { body: { a: 1 } }], ", got object: did you mean json or form?"],
  ["get", [{ url }], "url must be a string or URL, got an object: write get(url, options)"],
  ["get", [new Request(url)], "url must be a string or URL, got an object: write get(url, options)"],
  ["request", [url], ": write request(method, url, options)"],
  ["request", [{ method: "GET", url }], ": write request(method, url, options)"],
  ["get", [url, { baseURL: "x" }], "did you mean baseUrl of the session?"],
  ["get", [url, { insecure: true }], "did you mean tls: { rejectUnauthorized: false } of the session?"],
  ["get", [url, { cookieJar: {} }], "did you mean cookies of the session?"],
  ["get", [url, { searchParams: {} }], "did you mean params?"],
  ["download", [url], "download takes the path of a file as its second argument: download(url, file)"],
  ["download", [url, { path: "x" }], "as its second argument: download(url, file)"],
  ["download", [url, "x", { resume: true }], "did you mean the same call: it always continues a part?"],
];

for (const [method, args, message] of calls) {
  test(`a misplaced argument of ${String(method)} gets an error that ends with ${JSON.stringify(message)}`, async () => {
    const { session, adapter } = scripted([{}]);

    const call = Reflect.apply(Reflect.get(session, method) as () => Promise<unknown>, session, args);

    const error = await catchFailure(call);
    assert.ok(error instanceof Error);
    assert.ok(error.message.endsWith(message), error.message);
    assert.equal(adapter.requests.length, 0);
  });
}

test("json() of a reviver or another value gets an error that names schemas", async () => {
  const { session } = scripted([{ body: "{}" }]);
  const response = await session.get(url);

  for (const wrong of [(value: unknown): unknown => value, 5, {}]) {
    const error = await catchFailure(Reflect.apply(response.json, response, [wrong]));
    assert.ok(error instanceof TypeError);
    assert.match(
      error.message,
      /^json and jsonLines take a Standard Schema as their argument, such as one of zod/,
    );
  }
});

test("a URL in place of the options of a session gets an error that names baseUrl", () => {
  assert.throws(
    () => Reflect.construct(Session, [url]),
    /, got a string\. The base of its URLs is the option baseUrl$/,
  );
});

test("bearerAuth refuses a token with the word Bearer, and does not quote it", () => {
  assert.throws(
    () => bearerAuth("Bearer s3cret"),
    /^TypeError: bearerAuth takes the token alone, without the word Bearer in front of it$/,
  );
});
