import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { StatusError } from "../model/response.ts";
import { catchFailure, scripted, type ScriptedSession } from "../testing/scripted/scripted-session.ts";
import type { ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";
import { clientCredentialsAuth } from "./client-credentials.ts";
import type { ClientCredentialsOptions } from "./request-token.ts";

const url = "https://api.test/";

function token(value: string, expiresIn?: number): ScriptedEntry {
  return { body: JSON.stringify({ access_token: value, token_type: "Bearer", expires_in: expiresIn }) };
}

function client(
  tokens: readonly ScriptedEntry[],
  options: Partial<ClientCredentialsOptions> = {},
): ScriptedSession & { readonly auth: ReturnType<typeof clientCredentialsAuth> } {
  const server = scripted(tokens);
  const auth = clientCredentialsAuth({
    tokenUrl: "https://auth.test/token",
    clientId: "my id",
    clientSecret: "s:ä",
    session: server.session,
    ...options,
  });
  return { ...server, auth };
}

test("requests one token for all requests", async () => {
  const { auth, adapter } = client([token("t1")], { scope: ["read", "write"], fields: { audience: "api" } });
  const api = scripted([{}], { auth });

  await Promise.all([api.session.get(url), api.session.get(url), api.session.get(url)]);

  assert.deepEqual(
    api.adapter.requests.map(({ headers }) => headers["authorization"]),
    ["Bearer t1", "Bearer t1", "Bearer t1"],
  );
  const [sent, ...more] = adapter.requests;
  assert.equal(more.length, 0);
  assert.deepEqual(
    [sent?.method, sent?.body, sent?.headers["authorization"]],
    [
      "POST",
      "grant_type=client_credentials&audience=api&scope=read+write",
      `Basic ${Buffer.from("my+id:s%3A%C3%A4").toString("base64")}`,
    ],
  );
});

test("sends the secret in the body on request", async () => {
  const { auth, adapter } = client([token("t1")], { sendSecretIn: "body" });

  await scripted([{}], { auth }).session.get(url);

  assert.equal(adapter.requests[0]?.headers["authorization"], undefined);
  assert.match(adapter.requests[0]?.body ?? "", /client_id=my\+id&client_secret=s%3A%C3%A4$/);
});

test("renews a token before it expires", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const { auth, adapter } = client([token("t1", 100), token("t2", 100)], { clock });
  const api = scripted([{}], { auth });

  await api.session.get(url);
  await clock.advance(80_000);
  await api.session.get(url);
  await clock.advance(15_000);
  await api.session.get(url);

  assert.equal(adapter.requests.length, 2);
  assert.equal(api.adapter.requests.at(-1)?.headers["authorization"], "Bearer t2");
});

test("renews a token once after a 401", async () => {
  const { auth, adapter } = client([token("t1"), token("t2")]);
  const api = scripted(
    [({ headers }) => ({ status: headers["authorization"] === "Bearer t1" ? 401 : 200 })],
    { auth },
  );

  const statuses = await Promise.all([api.session.get(url), api.session.get(url)]);

  assert.deepEqual(
    statuses.map(({ status }) => status),
    [200, 200],
  );
  assert.equal(adapter.requests.length, 2);
});

test("the token request is retried, and its error reaches the caller", async () => {
  const flaky = client([{ status: 503 }, token("t1")]);
  assert.equal((await scripted([{}], { auth: flaky.auth }).session.get(url)).status, 200);

  const denied = client([{ status: 400, body: '{"error":"invalid_client"}' }]);
  const error = await catchFailure(scripted([{}], { auth: denied.auth }).session.get(url));
  assert.ok(error instanceof StatusError);
  const empty = client([{ body: "{}" }]);
  const missing = await catchFailure(scripted([{}], { auth: empty.auth }).session.get(url));
  assert.match(missing.message, /must return an access_token, and returned undefined/);
});

test("an error of the token request is not kept", async () => {
  const { auth } = client([{ status: 400 }, token("t1")]);
  const api = scripted([{}], { auth });

  await assert.rejects(api.session.get(url), StatusError);

  assert.equal((await api.session.get(url)).status, 200);
});

test("does not follow a redirect of the token endpoint, with or without the secret in the body", async () => {
  for (const sendSecretIn of ["header", "body"] as const) {
    const elsewhere = { status: 307, headers: { location: "https://evil.test/token" } };
    const { auth, adapter } = client([elsewhere, token("t1")], { sendSecretIn });

    const error = await catchFailure(scripted([{}], { auth }).session.get(url));

    assert.match(
      String(error),
      /token endpoint https:\/\/auth\.test\/token responded with 307: give its final URL/,
    );
    assert.equal(adapter.requests.length, 1);
  }
});

for (const [lifetime, requests] of [
  [null, 1],
  ["", 1],
  [[], 1],
  [true, 1],
  [1e308, 1],
  ["3600", 1],
  [0, 2],
  [-1, 2],
] as const)
  test(`an expires_in of ${JSON.stringify(lifetime)} needs ${requests} token requests for two requests`, async () => {
    const body = JSON.stringify({ access_token: "t", expires_in: lifetime });
    const { auth, adapter } = client([{ body }, { body }]);
    const api = scripted([{}, {}], { auth });

    await api.session.get(url);
    await api.session.get(url);

    assert.equal(adapter.requests.length, requests);
  });

test("a token that would break the head of a request is an error that does not quote it", async () => {
  for (const value of ["secret1\r\nx: y", "secret1\n", "secret1\u0000", "secret1\u2028"]) {
    const { auth } = client([token(value)]);
    const api = scripted([{}], { auth });

    const error = await catchFailure(api.session.get(url));

    assert.ok(error instanceof TypeError, String(error));
    assert.doesNotMatch(String(error.stack), /secret1/);
    assert.equal(api.adapter.requests.length, 0);
  }
});

test("refuses a wrong option by name", () => {
  const right = { tokenUrl: "https://auth.test/", clientId: "a", clientSecret: "b" };
  assert.throws(() => clientCredentialsAuth({ ...right, tokenUrl: "nowhere" }), /\.tokenUrl takes a URL/);
  assert.throws(
    // @ts-expect-error -- a number is no secret
    () => clientCredentialsAuth({ ...right, clientSecret: 5 }),
    /\.clientSecret takes a string, got a number/,
  );
});
