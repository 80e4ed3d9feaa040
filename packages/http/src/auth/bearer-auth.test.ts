import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOrigin, respond, type FaultOrigin } from "../testing/index.ts";
import { noBody } from "../model/body.ts";
import type { HttpRequest } from "../model/request.ts";
import { HttpResponse, unreadResponse } from "../model/response.ts";
import { Session } from "../session/session.ts";
import type { Auth, Credentials } from "./auth.ts";
import { bearerAuth } from "./bearer-auth.ts";

const url = "https://a.test/";

/** A refusal of a request that was sent with a token, and the answer of `auth` to it. */
async function refuse(auth: Auth, token: string): Promise<Credentials | undefined> {
  return auth(requestWith(token), refusal());
}

function requestWith(token: string): HttpRequest {
  const headers = { authorization: `Bearer ${token}` };
  return { method: "GET", url: new URL(url), headers, body: noBody };
}

function refusal(): HttpResponse {
  return new HttpResponse({ status: 401, statusText: "", url, headers: {}, content: new Uint8Array() });
}

/** Counts the refreshes, and returns the token that the test resolves or rejects for each. */
class Refreshes {
  readonly all: PromiseWithResolvers<string>[] = [];

  readonly auth: Auth = bearerAuth((refused) => {
    if (refused === undefined) return this.current;
    const refresh = Promise.withResolvers<string>();
    this.all.push(refresh);
    return refresh.promise;
  });

  current = "old";
}

test("bearerAuth calls the function once for all requests refused with the same token", async () => {
  const { all, auth } = new Refreshes();

  const replacements = [1, 2, 3, 4, 5].map(() => refuse(auth, "old"));
  all[0]?.resolve("new");

  assert.deepEqual([await Promise.all(replacements), all.length], [Array(5).fill("Bearer new"), 1]);
});

test("bearerAuth uses the newer token for a request that was under way with the older one", async () => {
  const { all, auth } = new Refreshes();
  const first = refuse(auth, "old");
  all[0]?.resolve("new");
  await first;

  assert.equal(await refuse(auth, "old"), "Bearer new");
  assert.equal(all.length, 1);
});

test("bearerAuth refreshes each refused token by itself", async () => {
  const { all, auth } = new Refreshes();
  const [first, second] = [refuse(auth, "ada's"), refuse(auth, "eve's")];

  all[0]?.resolve("ada's new");
  all[1]?.resolve("eve's new");

  assert.deepEqual([await first, await second], ["Bearer ada's new", "Bearer eve's new"]);
});

test("bearerAuth refreshes again when the function still returns the refused token", async () => {
  const { all, auth } = new Refreshes();
  const first = refuse(auth, "old");
  all[0]?.resolve("new");
  await first;
  await auth(requestWith("old"));

  void refuse(auth, "old");

  assert.equal(all.length, 2);
});

test("bearerAuth refreshes again when the newer token is refused too", async () => {
  const { all, auth } = new Refreshes();
  const first = refuse(auth, "old");
  all[0]?.resolve("new");
  await first;

  const second = refuse(auth, "new");
  all[1]?.resolve("old");

  assert.equal(await second, "Bearer old");
  void refuse(auth, "old");
  assert.equal(all.length, 3, "the older token does not lead to the newer one, which was refused");
});

test("bearerAuth rejects each of the requests with an error of its own when the refresh fails", async () => {
  const { all, auth } = new Refreshes();
  const replacements = [1, 2].map(() => refuse(auth, "old"));
  all[0]?.reject(new RangeError("logged out"));

  const errors = await Promise.all(replacements.map((one) => one.catch((error: unknown) => error)));

  assert.ok(errors.every((error) => error instanceof RangeError && error.message === "logged out"));
  assert.notEqual(errors[0], errors[1]);
  void refuse(auth, "old");
  assert.equal(all.length, 2, "a failed refresh is not remembered");
});

test("bearerAuth gives the 401 to a request that the function makes with the refused token itself", async () => {
  let inner: unknown = "not called";
  const auth = bearerAuth(async (refused) => {
    if (refused === undefined) return "old";
    inner = await refuse(auth, "old");
    return "new";
  });

  assert.equal(await refuse(auth, "old"), "Bearer new");
  assert.equal(inner, undefined);
});

test("bearerAuth reads the body of the refusal when the function needs it, and refreshes once", async () => {
  const missingError = new Error("unread");
  const body = {
    missingError,
    discard: () => undefined,
    readAll: () => Promise.resolve(Buffer.from("expired")),
  };
  const unread = (): HttpResponse => unreadResponse({ status: 401, statusText: "", url, headers: {}, body });
  const seen: string[] = [];
  const auth = bearerAuth(async (refused) => {
    seen.push(String(refused?.content));
    return "new";
  });

  const replacements = [1, 2, 3].map(() => auth(requestWith("old"), unread()));

  for (const replacement of replacements) assert.equal(await replacement, "Bearer new");
  assert.deepEqual(seen, ["expired"]);
});

/** Accepts one token, and replaces it on each refresh. Refuses a refresh token that was used before. */
function tokenServer(): Promise<FaultOrigin> {
  let [valid, refreshToken] = ["token-0", "refresh-0"];
  let refreshes = 0;
  return faultOrigin({
    routes: {
      "/refresh": ({ headers }) => {
        if (headers["x-refresh"] !== refreshToken) return respond(400);
        refreshes += 1;
        refreshToken = `refresh-${refreshes}`;
        valid = `token-${refreshes}`;
        const body = JSON.stringify({ token: valid, refreshToken });
        return [{ wait: 50 }, ...respond(200, { body })];
      },
      // The body is long enough for the session to continue without it.
      "/": ({ headers }) =>
        headers["authorization"] === `Bearer ${valid}`
          ? respond(200)
          : respond(401, { body: "no".repeat(600_000) }),
    },
  });
}

const readers: readonly (readonly [what: string, read: (refused: HttpResponse) => string])[] = [
  ["looks at the status", ({ status }) => String(status)],
  ["reads the body", (refused) => refused.content.toString()],
];

for (const [what, read] of readers) {
  test(`a refresh that ${what} happens once for twenty calls with an expired token`, async () => {
    await using server = await tokenServer();
    await using session = new Session({ timeout: { total: "10s" } });
    const mine = { token: "expired", refreshToken: "refresh-0" };
    const auth = bearerAuth(async (refused) => {
      if (refused === undefined) return mine.token;
      read(refused);
      const answer = await session.post(`${server.url}/refresh`, {
        headers: { "x-refresh": mine.refreshToken },
      });
      Object.assign(mine, await answer.raiseForStatus().json());
      return mine.token;
    });

    const calls = Array.from({ length: 20 }, () => session.get(server.url, { auth }));
    const statuses = new Set((await Promise.all(calls)).map(({ status }) => status));

    assert.deepEqual([[...statuses], server.attempts("/refresh")], [[200], 1]);
  });
}
