import assert from "node:assert/strict";
import { test } from "node:test";
import { bearerAuth } from "../auth/bearer-auth.ts";
import type { RequestOptions, SessionOptions } from "../call/options.ts";
import { scripted } from "../testing/scripted/scripted-session.ts";
import { Session } from "./session.ts";

const credentials = {
  auth: bearerAuth("token"),
  headers: { "X-Api-Key": "key", "X-Plant": "rose", "X-Trace": "1" },
  params: { api_key: "key", lang: "en" },
  sensitiveHeaders: ["X-Plant"],
} satisfies SessionOptions;

interface Sent {
  readonly url: string;
  readonly headers: readonly unknown[];
}

async function send(url: string, options: SessionOptions, own?: RequestOptions): Promise<Sent | undefined> {
  const { session, adapter } = scripted([{}], { ...credentials, ...options });
  await session.get(url, own);
  const [sent] = adapter.requests;
  const names = ["authorization", "x-api-key", "x-plant", "x-trace"];
  return sent && { url: sent.url, headers: names.map((name) => sent.headers[name]) };
}

const all = ["Bearer token", "key", "rose", "1"];
const none = [undefined, undefined, undefined, "1"];
const baseUrl = "https://a.test/v1";

const places: readonly (readonly [url: string, options: SessionOptions, headers: readonly unknown[]])[] = [
  ["users", { baseUrl }, all],
  ["https://a.test/other", { baseUrl }, all],
  ["https://A.test.:443/other", { baseUrl }, all],
  ["https://b.test/", { baseUrl }, none],
  ["http://a.test/", { baseUrl }, none],
  ["https://a.test:8443/", { baseUrl }, none],
  ["https://a.test.evil.test/", { baseUrl }, none],
  ["https://b.test/", { baseUrl, sendCredentialsTo: ["https://b.test"] }, all],
  ["https://b.test/", { baseUrl, sendCredentialsTo: ["https://B.test:443/"] }, all],
  ["http://b.test/", { baseUrl, sendCredentialsTo: ["https://b.test"] }, none],
  ["https://sub.b.test/", { baseUrl, sendCredentialsTo: ["https://b.test"] }, none],
  ["https://b.test/", {}, all],
];

for (const [url, options, headers] of places) {
  const given = JSON.stringify(options);
  test(`${url} gets ${headers === all ? "the" : "no"} credentials of a session with ${given}`, async () => {
    const sent = await send(url, options);

    assert.deepEqual(sent?.headers, headers);
    assert.equal(sent?.url.includes("api_key=key"), headers === all);
    assert.ok(sent?.url.includes("lang=en"));
  });
}

test("credentials of the request itself go to every origin", async () => {
  const own = { auth: bearerAuth("own"), headers: { "x-api-key": "own" }, params: { api_key: "own" } };

  const sent = await send("https://b.test/", { baseUrl }, own);

  assert.deepEqual(sent?.headers, ["Bearer own", "own", undefined, "1"]);
  assert.ok(sent?.url.includes("api_key=own"));
});

test("a reference that begins with // is a TypeError, and nothing is sent", async () => {
  const { session, adapter } = scripted([{}], { ...credentials, baseUrl });

  await assert.rejects(session.get("//b.test/x"), TypeError);

  assert.equal(adapter.requests.length, 0);
});

const refused: readonly (readonly [options: unknown, says: RegExp])[] = [
  [{ sendCredentialsTo: ["https://b.test"] }, /sendCredentialsTo needs baseUrl/],
  [{ baseUrl, sendCredentialsTo: "https://b.test" }, /sendCredentialsTo takes a list of origins/],
  [{ baseUrl, sendCredentialsTo: ["b.test"] }, /sendCredentialsTo\[0\] takes an origin/],
  [{ baseUrl, sendCredentialsTo: ["https://b.test/path"] }, /sendCredentialsTo\[0\] takes an origin/],
  [{ baseUrl: "a.test/v1" }, /baseUrl takes an http or https URL/],
];

for (const [options, says] of refused) {
  test(`Session rejects ${JSON.stringify(options)}`, () => {
    assert.throws(() => new Session(options as SessionOptions), says);
  });
}
